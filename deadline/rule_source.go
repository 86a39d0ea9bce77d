package deadline

import "slices"

func doubtProblem(r *Rule) (field, problem string) {
	if len(r.Doubts) > 0 && !r.Limit() {
		return "doubts", "a minimum has no earlier reading"
	}
	for i := range r.Doubts {
		d := &r.Doubts[i]
		switch {
		case !slices.Contains(readings, d.Reading):
			return "doubts", "no such reading"
		case slices.ContainsFunc(r.Doubts[:i], func(o Doubt) bool { return o.Reading == d.Reading }):
			return "doubts", "a reading stands twice"
		case !d.Before.IsZero() && !d.Before.Valid():
			return "doubts", "no such day"
		case !plain(d.Why):
			return "doubts", "want a reason in one line of text"
		case !changes(r, d.Reading):
			return "doubts", "a reading changes nothing"
		}
	}
	return "", ""
}

// changes reports whether a strict reading can change what the rule says.
func changes(r *Rule, reading Reading) bool {
	switch reading {
	case FirstDayCounts:
		return r.FirstDay == FirstExcluded && r.Sense != AtOnce
	case NoRoll:
		return r.Roll != RollNone
	case WeekendsOnly, SaturdayWorks:
		return r.Roll != RollNone || r.Period.BusinessDays > 0
	case ChainedExtension:
		return r.Extension != (Extension{}) && r.Extension.Chain == Direct
	case NoPause:
		return len(r.Pauses) > 0
	case EarliestStart:
		return len(r.Start) > 1
	}
	return false
}

func sourceProblem(r *Rule) (field, problem string) {
	switch {
	case !r.From.Valid():
		return "in_force", "want the first day"
	case !r.To.IsZero() && (!r.To.Valid() || r.To.Before(r.From)):
		return "in_force", "ends before it begins"
	case !plain(r.Citation):
		return "citation", "want one line of text"
	case !r.AsOf.Valid():
		return "as_of", "want a day"
	case !slices.Contains(confidences, r.Confidence):
		return "confidence", "no such confidence"
	case r.Note != "" && !plain(r.Note):
		return "note", "want one line of text"
	}
	return "", ""
}
