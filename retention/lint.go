package retention

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trothdev/troth/deadline"
)

// LintOptions are what a policy is judged by besides itself.
type LintOptions struct {
	// On is the day by which reviews are overdue; zero asks for none.
	On deadline.Date
	// RecordTypes are those that are registered: each must have a class.
	RecordTypes []string
}

// Report is what the linter found out about a policy.
type Report struct {
	// Paths are the longest way to every promise in every class that it is about,
	// kept or broken.
	Paths []Path
	// Findings are what must be mended before the policy is activated; none if it is
	// clean.
	Findings []Finding
}

// Finding is one thing that is wrong.
type Finding struct {
	Kind FindingKind
	// Class is where, and Rule the promise, obligation, stage or record type; either
	// may be empty.
	Class, Rule string
	// Problem says it in one line, with the way and the arithmetic where there is one.
	Problem string
}

// FindingKind is a closed list.
type FindingKind string

const (
	// PromiseBroken is a way that takes longer than was promised.
	PromiseBroken FindingKind = "promise-broken"
	// PromiseOpen is a way to a promise that waits for something that may never
	// happen.
	PromiseOpen FindingKind = "promise-open"
	// PromiseRevived is an event that brings records back while a promise goes on
	// binding them.
	PromiseRevived FindingKind = "promise-revived"
	// StageUnreachable is a stage to which no way leads.
	StageUnreachable FindingKind = "stage-unreachable"
	// StagesEndless are stages that go round, or that nothing leads out of.
	StagesEndless FindingKind = "stages-endless"
	// Reappears is a stage in which time alone lets more people see the record than
	// the stage before.
	Reappears FindingKind = "reappears"
	// OpenEnd is an open end without a day of review.
	OpenEnd FindingKind = "open-end"
	// ReviewOverdue is a day of review that is over.
	ReviewOverdue FindingKind = "review-overdue"
	// ObligationConflict is an obligation that keeps what was promised to be gone.
	ObligationConflict FindingKind = "obligation-conflict"
	// TypeUnclassed is a registered record type that has no class.
	TypeUnclassed FindingKind = "type-unclassed"
)

var findingKinds = []FindingKind{
	PromiseBroken, PromiseOpen, PromiseRevived, StageUnreachable, StagesEndless,
	Reappears, OpenEnd, ReviewOverdue, ObligationConflict, TypeUnclassed,
}

// FindingKinds returns all kinds of findings.
func FindingKinds() []FindingKind { return slices.Clone(findingKinds) }

// String prints the finding in one line.
func (f Finding) String() string {
	parts := []string{string(f.Kind)}
	for _, name := range []string{f.Class, f.Rule} {
		if name != "" {
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, " ") + ": " + f.Problem
}

// Lint judges a policy before it is activated: whether every way that a record
// can take meets every promise, with everything that comes on top, and whether
// every record has an end. Months count as their longest in ways, and as their
// shortest in promises. The error is that of [Policy.Validate]; a policy with
// findings must not be activated.
func (p *Policy) Lint(o LintOptions) (Report, error) {
	if err := p.Validate(); err != nil {
		return Report{}, err
	}
	l := linter{policy: p, options: o}
	for i := range p.Classes {
		c := &p.Classes[i]
		if life := p.life(c); life != nil && life != p.Default {
			l.life(life, c.Name)
		}
		l.promises(c)
	}
	if p.Default != nil {
		l.life(p.Default, "default")
	}
	l.reviews()
	l.types()
	return l.report, nil
}

type linter struct {
	policy  *Policy
	options LintOptions
	report  Report
}

func (l *linter) find(kind FindingKind, class, rule, format string, args ...any) {
	l.report.Findings = append(l.report.Findings, Finding{
		Kind: kind, Class: class, Rule: rule, Problem: fmt.Sprintf(format, args...),
	})
}

// types finds registered types without a class.
func (l *linter) types() {
	for _, t := range l.options.RecordTypes {
		if !slices.ContainsFunc(l.policy.Classes, func(c Class) bool { return slices.Contains(c.Records, t) }) {
			name := t
			if !isID(t) {
				name = "?"
			}
			l.find(TypeUnclassed, "", name, "is registered and has no class: its records would stay for ever")
		}
	}
}

// reviews finds open obligations without a review, and reviews that are overdue.
func (l *linter) reviews() {
	for _, o := range l.policy.Obligations {
		if o.For.IsZero() && o.Review.IsZero() {
			l.find(OpenEnd, "", o.Name, "keeps without end, and no day says when somebody looks again")
		}
		l.overdue("", o.Name, o.Review)
	}
}

func (l *linter) overdue(class, rule string, review deadline.Date) {
	if !review.IsZero() && !l.options.On.IsZero() && review.Before(l.options.On) {
		l.find(ReviewOverdue, class, rule, "was to be looked at by %s", review)
	}
}
