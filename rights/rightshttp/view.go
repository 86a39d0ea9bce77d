package rightshttp

import (
	"time"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/rights"
)

// request is what callers see of a request.
type request struct {
	ID         string     `json:"id"`
	Right      string     `json:"right"`
	State      string     `json:"state"`
	Needs      string     `json:"needs"`
	Level      string     `json:"level"`
	ReceivedAt time.Time  `json:"receivedAt"`
	DueAt      *time.Time `json:"dueAt,omitempty"`
	ClosedAt   *time.Time `json:"closedAt,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	Of         string     `json:"of,omitempty"`
	// Other is the request that it is a duplicate of, or whom it was forwarded to.
	Other      string `json:"other,omitempty"`
	ByAgent    bool   `json:"byAgent,omitempty"`
	Authorised bool   `json:"authorised,omitempty"`
	// Token is only in the answer to who submits without an account.
	Token string `json:"token,omitempty"`
	// Staff alone see the rest.
	Subject string `json:"subject,omitempty"`
	Owner   string `json:"owner,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Agent   string `json:"agent,omitempty"`
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func show(q *rights.Request, c *call) request {
	v := request{
		ID: q.ID, Right: string(q.Right), State: string(q.State), Needs: q.Needs.String(), Level: q.Level.String(),
		ReceivedAt: q.ReceivedAt, DueAt: optional(q.DueAt), ClosedAt: optional(q.ClosedAt), Reason: string(q.Reason),
		Of: q.Of, Other: q.Other, ByAgent: q.ByAgent, Authorised: q.Authorised,
	}
	if c.Staff {
		v.Subject, v.Owner, v.Rule, v.Agent = q.SubjectID, q.Owner, q.DueRule, q.Agent
	}
	return v
}

// shown is the answer of what changes a request.
func shown(q rights.Request, err error, c *call) (request, error) {
	if err != nil {
		return request{}, err
	}
	return show(&q, c), nil
}

// list is a page of requests.
type list struct {
	Requests []request `json:"requests"`
	// Next is where the next page begins, if there is one.
	Next string `json:"next,omitempty"`
}

// proven is what somebody showed.
type proven struct {
	Level     string    `json:"level"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func shownProof(p rights.Proof, err error) (proven, error) {
	if err != nil {
		return proven{}, err
	}
	return proven{p.Level().String(), p.ExpiresAt()}, nil
}

// work is what staff see of how far a request is.
type work struct {
	Sources []source `json:"sources"`
	Open    []task   `json:"open"`
}

type source struct {
	Source  string     `json:"source"`
	Title   string     `json:"title,omitempty"`
	Located bool       `json:"located"`
	Found   uint64     `json:"found"`
	Tries   int        `json:"tries"`
	Outcome string     `json:"outcome,omitempty"`
	Method  string     `json:"method,omitempty"`
	Records uint64     `json:"records"`
	Kept    []kept     `json:"kept,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Copies  *time.Time `json:"copiesUntil,omitempty"`
	Ref     string     `json:"ref,omitempty"`
}

type kept struct {
	Basis   string     `json:"basis"`
	Records uint64     `json:"records"`
	Until   *time.Time `json:"until,omitempty"`
	Review  *time.Time `json:"review,omitempty"`
	Cite    string     `json:"cite,omitempty"`
}

type task struct {
	ID    string    `json:"id"`
	Kind  string    `json:"kind"`
	About string    `json:"about"`
	DueAt time.Time `json:"dueAt"`
}

func showWork(all []rights.SourceWork, open []rights.Obligation) work {
	v := work{Sources: []source{}, Open: []task{}}
	for i := range all {
		w := &all[i]
		s := source{
			Source: w.Source, Title: w.Title, Located: w.Located, Found: w.Found, Tries: w.Tries, Outcome: string(w.Outcome), Method: string(w.Method),
			Records: w.Records, Until: optional(w.Until), Copies: optional(w.CopiesUntil), Ref: w.Ref,
		}
		for _, k := range w.Kept {
			s.Kept = append(s.Kept, kept{string(k.Basis), k.Records, optional(k.Until), optional(k.Review), k.Cite})
		}
		v.Sources = append(v.Sources, s)
	}
	for _, o := range open {
		v.Open = append(v.Open, task{o.ID, string(o.Kind), o.Ref, o.DueAt})
	}
	return v
}

// clocks are all deadlines of a request, the earliest first.
type clocks struct {
	Deadlines []clock `json:"deadlines"`
}

type clock struct {
	Rule string `json:"rule"`
	Duty string `json:"duty"`
	// Safe is the day to work to, Legal the last one as the law is mostly read.
	Safe     string `json:"safe"`
	Legal    string `json:"legal"`
	Extended int    `json:"extended"`
	Waiting  string `json:"waiting,omitempty"`
	Why      string `json:"why"`
}

func showDocket(d *deadline.Docket) clocks {
	v := clocks{Deadlines: []clock{}}
	for i := range d.Limits {
		l := &d.Limits[i]
		r := l.Rule()
		v.Deadlines = append(v.Deadlines, clock{r.ID, string(r.Kind), l.Safe.String(), l.Legal.String(), l.Extended, string(l.Waiting), l.Explain()})
	}
	return v
}

// refusals are what was refused of a request, and why.
type refusals struct {
	Refusals []refusedPart `json:"refusals"`
}

type refusedPart struct {
	ID       string     `json:"id"`
	Reason   string     `json:"reason"`
	Citation string     `json:"citation"`
	Scope    []string   `json:"scope"`
	At       time.Time  `json:"at"`
	Review   *time.Time `json:"review,omitempty"`
	AppealBy *time.Time `json:"appealBy,omitempty"`
}

func showRefusals(all []rights.Refusal) refusals {
	v := refusals{Refusals: []refusedPart{}}
	for _, f := range all {
		v.Refusals = append(v.Refusals, refusedPart{
			f.ID, string(f.Reason), f.Citation, append([]string{}, f.Scope...), f.At, optional(f.Review), optional(f.AppealBy),
		})
	}
	return v
}
