package retention

// life judges the stages of a class, or of the default.
func (l *linter) life(life *Lifecycle, class string) {
	stages := life.rules()
	reached := reach(stages, 0)
	for i, s := range life.Stages {
		if !reached[i] {
			l.find(StageUnreachable, class, s.Name, "no event and no end of a stage leads to it")
			continue
		}
		l.overdue(class, s.Name, s.Review)
		open := s.For.IsZero() && len(stages[i].moves) == 0
		switch {
		case open && s.Review.IsZero():
			l.find(OpenEnd, class, s.Name, "lasts without end, and no day says when somebody looks again")
		case open: // people end it
		case round(stages, i):
			l.find(StagesEndless, class, s.Name, "time leads from it back to it")
		case !reach(stages, i)[len(stages)] && !waits(life, stages, i):
			l.find(StagesEndless, class, s.Name, "nothing leads from it to an end")
		}
		l.reappears(life, stages, class, i)
	}
}

// reach tells which stages can follow one, by time or by events, itself among
// them; the last is Purged.
func reach(stages []stageRules, from int) []bool {
	reached := make([]bool, len(stages)+1)
	var visit func(int)
	visit = func(i int) {
		if reached[i] {
			return
		}
		if reached[i] = true; i == len(stages) {
			return
		}
		if !stages[i].last.IsZero() {
			visit(stages[i].next)
		}
		for _, m := range stages[i].moves {
			visit(m.to)
		}
	}
	visit(from)
	return reached
}

// round reports whether time alone leads from a stage back to it.
func round(stages []stageRules, from int) bool {
	i := from
	for range stages {
		if i == len(stages) || stages[i].last.IsZero() {
			return false
		}
		if i = stages[i].next; i == from {
			return true
		}
	}
	return false
}

// waits reports whether a stage leads to one that people end.
func waits(life *Lifecycle, stages []stageRules, from int) bool {
	for i, is := range reach(stages, from)[:len(stages)] {
		if is && life.Stages[i].For.IsZero() && len(stages[i].moves) == 0 {
			return true
		}
	}
	return false
}

// reappears finds a stage that time alone makes more visible.
func (l *linter) reappears(life *Lifecycle, stages []stageRules, class string, i int) {
	next := stages[i].next
	if life.Stages[i].For.IsZero() || next == len(stages) {
		return
	}
	if stages[next].visible.rank() > stages[i].visible.rank() {
		l.find(Reappears, class, stages[next].name, "follows %s by time and is visible to %s, where that was to %s",
			stages[i].name, stages[next].visible, stages[i].visible)
	}
}
