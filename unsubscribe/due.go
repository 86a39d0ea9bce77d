package unsubscribe

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
)

// DefaultRule is the rule by whose deadline providers must be told where the host
// names none: 48 hours.
const DefaultRule = "gmail.optout.honour"

// Rules are shipped rules by their ids: "canspam.optout.honour",
// "casl.optout.honour", "yahoo.optout.honour" and others of package deadline.
func Rules(ids ...string) ([]deadline.Rule, error) {
	rules := make([]deadline.Rule, 0, len(ids))
	for _, id := range ids {
		rule, err := deadline.ShippedRule(id)
		if err != nil {
			return nil, fmt.Errorf("unsubscribe: %w", err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// Promise is the rule of a company's own policy: opt-outs are passed on within the
// period. The day of the opt-out counts, which is the stricter reading.
func Promise(within deadline.Period, citation string, since deadline.Date) (deadline.Rule, error) {
	rule, err := deadline.ShippedRule(DefaultRule)
	if err != nil {
		return deadline.Rule{}, fmt.Errorf("unsubscribe: %w", err)
	}
	rule.ID, rule.Title, rule.Period = "promise.optout.honour", "pass an opt-out on, as promised", within
	rule.Citation, rule.Note, rule.From, rule.AsOf = citation, "a promise of the company's own", since, since
	if err := rule.Validate(); err != nil {
		return deadline.Rule{}, fmt.Errorf("unsubscribe: %w", err)
	}
	return rule, nil
}

// WithRules sets by which rules a client's providers must be told; the earliest
// deadline counts. The default is [DefaultRule] for everybody, and for whom none of
// the rules gives a deadline: a rule that is wrong is no reason to refuse an opt-out.
func WithRules(of func(troth.Tenant) []deadline.Rule) Option {
	return func(o *options) error { o.rules = of; return present("function of rules", of != nil) }
}

// due is the earliest deadline of the tenant's rules, and which rule gave it. Days
// are those of UTC; where the law is in doubt the strict reading counts.
func (r *Registry) due(e *Event) (at time.Time, rule string) {
	if at, rule = r.earliest(e, r.opt.rules(e.Place.Tenant)); at.IsZero() {
		at, rule = r.earliest(e, defaultRules())
	}
	return at, rule
}

func (r *Registry) earliest(e *Event, rules []deadline.Rule) (at time.Time, rule string) {
	received, sent := e.RecordedAt, e.At
	if e.Kind == KindImport {
		sent = received // when the older tool learnt of it is past, and was its duty
	}
	events := []deadline.Event{
		deadline.At(deadline.Received, received, time.UTC), deadline.At(deadline.Sent, sent, time.UTC),
	}
	for _, one := range rules {
		if !one.Limit() {
			continue
		}
		d, err := deadline.Due(one, events, nil)
		if _, early := errors.AsType[*deadline.NotInForceError](err); early {
			continue
		}
		if err != nil {
			r.log.Error("unsubscribe: a rule gives no deadline", zap.String("rule", one.ID), zap.Error(err))
			continue
		}
		end := d.SafeAt
		if end.IsZero() {
			end = d.Safe.End(time.UTC)
		}
		if at.IsZero() || end.Before(at) {
			at, rule = end, one.ID
		}
	}
	return at, rule
}
