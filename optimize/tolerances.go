package optimize

// Every tolerance of the package, with the unit that it is relative to. Returns
// and risks are fractions over the horizon; scale is that of a problem's returns
// (Solver.absolute, the mean absolute scenario return) where it says so.
const (
	// Sums.
	massTol   = 1e-9  // of the tail's size: a mass of scenarios that differs by less is the same
	wholeTol  = 1e-12 // of the tail's size: a count of scenarios that is whole but for rounding
	gridTol   = 1e-15 // of 1: distance of alpha from the nearest multiple of 1e-12 that is rounding
	budgetTol = 1e-9  // of 1: shares and weights of levels that sum to 1

	// The walk over vertices (hinge.go), in units of its scaled program.
	slopeTol = 1e-12 // a descent shallower than this is rounding
	flatMost = 1e-10 // one without an end that is shallower than this, too
	sideTol  = 1e-10 // a slack smaller than this has no side of its own
	rateTol  = 1e-9  // relative to the edge: a row that is parallel to it makes no basis
	hardTol  = 1e-11 // a hard row that is violated by less holds
	stepTol  = 1e-15 // a step that lowers the objective by less is degenerate
	shiftBy  = 1e-6  // relative shift of right sides that ends cycling
	shiftTol = 1e-9  // a slack above this keeps its side when the shift is undone
	bandTol  = 1e-12 // in units of scale: an aggregated scenario that is on the wrong side by less is not

	// Values of portfolios.
	riskTol     = 1e-12 // of scale: risks that differ by less are equal
	valueTol    = 1e-13 // of the value, or of (1 + aversion) scale: no better vertex is left
	noRiskTol   = 1e-9  // of scale: a risk that is below this is none
	violation   = 1e-13 // a row that is exceeded by more is violated, whatever its scale
	priceTol    = 1e-12 // of scale: a shadow price below this is none
	roughGap    = 1e-6  // certified gap up to which weights of the bundle method stand in for an exact optimum
	flatTol     = 1e-11 // steepest slope along which an objective of order one does not change
	nearTol     = 1e-13 // of weights: the same point
	shareTol    = 1e-12 // a share below this is 0
	stallSlope  = 1e-12 // a slope along which nothing is gained
	weightTol   = 1e-9  // of weights that have drifted or were rounded
	roundedTol  = 1e-5  // of a limit, by which published weights that have drifted may be off it
	boundTol    = 1e-9  // of the range of a weight, by which bounds are not narrowed
	positionTol = 1e-9  // a weight below this is no position
	decimalTol  = 1e-6  // of a unit of the last decimal: a number that is a multiple of it
	adviceTol   = 1e-12 // of a limit: rounding of the search for it

	// The bundle method (bundle*.go).
	admissible = 1e-9  // in the unit of each: by how much weights may break a bound, row, distance or the limit on the risk
	bundleGap  = 1e-12 // relative gap at which it stops
	elasticTol = 1e-11 // of the program of the least excess
	looseTol   = 1e-8  // of its quadratic programs at first
	tightTol   = 1e-12 // and at last
	stepShare  = 1e-3  // of the gap that is left: accuracy of the next program
	usableTol  = 1e-4  // residual up to which a point of it is a step
	liveCut    = 1e-6  // of all multipliers: a cut with less is forgotten
	boundGuard = 1e-15 // of the sizes summed up: taken off a bound for its rounding
)
