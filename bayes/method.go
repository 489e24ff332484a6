package bayes

// About describes the way that draws were made to a reader of a report: "NUTS".
func (m Method) About() string {
	switch m {
	case NUTS:
		return "NUTS"
	case Delayed:
		return "delayed acceptance (NUTS over a polynomial surrogate, corrected by the exact density)"
	case Laplace:
		return "Laplace approximation (normal at the mode, importance resampled)"
	case Stale:
		return "an earlier fit"
	case None:
		return "no draws"
	}
	return string(m)
}
