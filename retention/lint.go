package retention

// Part is a term of a sum of days.
type Part struct {
	// Name is of a stage, a copy, a label, or "sweep" or "retry".
	Name string
	Days int
}
