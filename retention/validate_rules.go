package retention

import "slices"

func (v *validator) labels() {
	for i, l := range v.policy.Labels {
		at := under("labels", l.Name)
		v.want(isID(l.Name), at, "is not an id")
		v.want(!slices.ContainsFunc(v.policy.Labels[:i], func(o Label) bool { return o.Name == l.Name }), at, "stands twice")
		v.ids(l.Classes, at+".classes", v.isClass)
		v.event(l.From, at+".from")
		v.want(isSpan(l.For), at+".for", "want a period, such as P30D")
		v.want(isLine(l.Why), at+".why", "want one line of text")
	}
}

func (v *validator) obligations() {
	for i, o := range v.policy.Obligations {
		at := under("obligations", o.Name)
		v.want(isID(o.Name), at, "is not an id")
		v.want(!slices.ContainsFunc(v.policy.Obligations[:i], func(p Obligation) bool { return p.Name == o.Name }), at, "stands twice")
		v.want(len(o.Classes) > 0, at+".classes", "there are none")
		v.ids(o.Classes, at+".classes", v.isClass)
		v.ids(o.Labels, at+".labels", isID)
		v.event(o.From, at+".from")
		v.optional(o.For, at+".for")
		v.want(!o.YearEnd || o.For.Hours == 0 && !o.For.IsZero(), at+".year_end", "needs a period of days or more")
		v.want(o.Review.IsZero() || o.Review.Valid(), at+".review", "want a day, such as 2026-01-31")
		v.want(isLine(o.Cite), at+".cite", "want one line of text")
	}
}

func (v *validator) promises() {
	for i, r := range v.policy.Promises {
		at := under("promises", r.Name)
		v.want(isID(r.Name), at, "is not an id")
		v.want(!slices.ContainsFunc(v.policy.Promises[:i], func(o Promise) bool { return o.Name == r.Name }), at, "stands twice")
		v.ids(r.Classes, at+".classes", v.isClass)
		v.event(r.From, at+".from")
		v.want(listed(r.To, goals), at+".to", oneOf(goals))
		v.want(r.Within.IsZero() == r.AtOnce, at+".within", "want either a period or at_once")
		v.optional(r.Within, at+".within")
		v.ids(r.Copies, at+".copies", v.isCopy)
		v.want(r.To != Hidden || len(r.Copies) == 0, at+".copies", "what is hidden is hidden in all")
		v.ids(r.Unless, at+".unless", v.isEvent)
		v.want(!slices.Contains(r.Unless, r.From), at+".unless", "is the event that it counts from")
		v.ids(r.Yields, at+".yields", func(name string) bool {
			return slices.ContainsFunc(v.policy.Obligations, func(o Obligation) bool { return o.Name == name })
		})
		v.want(isLine(r.Cite), at+".cite", "want one line of text")
	}
}
