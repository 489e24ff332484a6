package metrics

// Span is a range of days, From up to but not with To.
type Span struct{ From, To int }

// Split is a division of days into training and test days, both in order. Days
// that are in neither have been purged.
type Split struct {
	Groups []int // the test groups, in order
	Train  []Span
	Test   []Span // a range per test group
}

// PurgedOptions say how to divide days.
type PurgedOptions struct {
	Days       int // T
	Groups     int // G: consecutive groups of days of equal length, up to one day; 2 <= G <= T
	TestGroups int // K: groups in each test; 1 <= K < G
	Purge      int // days that a label or horizon reaches ahead
	Embargo    int // further days left out after a test, for serial dependence
}

// PurgedSplits returns combinatorial purged cross-validation (López de Prado,
// "Advances in financial machine learning", 2018, chapters 7 and 12): every
// choice of K groups of G is the test once, in lexicographic order.
//
// The label of day t spans t..t+Purge. Training therefore leaves
// out the Purge days before a test, whose reach runs into it, and the Purge
// days after, into which the test's own reach runs, and then Embargo days more.
func PurgedSplits(o PurgedOptions) []Split {
	if o.Groups < 2 || o.Groups > o.Days || o.TestGroups < 1 || o.TestGroups >= o.Groups || o.Purge < 0 || o.Embargo < 0 {
		panic("metrics: purged splits need 2 <= groups <= days, 1 <= test groups < groups, and no negative gap")
	}
	var out []Split
	for _, groups := range combinations(o.Groups, o.TestGroups) {
		s := Split{Groups: groups}
		next := 0 // the first day that training may use
		for _, g := range groups {
			test := Span{g * o.Days / o.Groups, (g + 1) * o.Days / o.Groups}
			s.Test = append(s.Test, test)
			if to := test.From - o.Purge; to > next {
				s.Train = append(s.Train, Span{next, to})
			}
			next = test.To + o.Purge + o.Embargo
		}
		if next < o.Days {
			s.Train = append(s.Train, Span{next, o.Days})
		}
		out = append(out, s)
	}
	return out
}

// Paths assembles backtests of all days from splits: path p predicts group g
// with the split paths[p][g], the p-th in which g is tested. There are
// C(G-1, K-1) paths (López de Prado 2018, section 12.4.1).
func Paths(splits []Split) [][]int {
	var tested [][]int // by group
	for i, s := range splits {
		for _, g := range s.Groups {
			for len(tested) <= g {
				tested = append(tested, nil)
			}
			tested[g] = append(tested[g], i)
		}
	}
	if len(tested) == 0 {
		return nil
	}
	paths := make([][]int, len(tested[0]))
	for _, splits := range tested {
		for p, i := range splits {
			paths[p] = append(paths[p], i)
		}
	}
	return paths
}
