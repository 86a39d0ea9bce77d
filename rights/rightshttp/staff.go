package rightshttp

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// maxList is how many requests a page holds.
const maxList = 100

// queue is a page of the tenant's requests.
func (h *Handler) queue(ctx context.Context, c *call) (list, error) {
	all := list{Requests: []request{}}
	form := c.r.URL.Query()
	q := rights.Queue{
		Tenant: c.Tenant, Page: maxList + 1, State: rights.State(form.Get("state")), Owner: form.Get("owner"),
		Right: rights.Right(form.Get("right")), Closed: form.Get("closed") == "true",
	}
	after, ok := parseCursor(form.Get("after"))
	if !ok || q.State != "" && !slices.Contains(rights.States(), q.State) || q.Right != "" && !q.Right.Valid() ||
		q.Owner != "" && !isID(q.Owner) || !slices.Contains([]string{"", "true", "false"}, form.Get("closed")) {
		return all, errMalformed
	}
	q.After = after
	for found, err := range h.c.Desk.Queue(ctx, q) {
		if err != nil {
			return all, err
		}
		if len(all.Requests) == maxList {
			all.Next = cursorOf(after)
			break
		}
		after = found.At()
		all.Requests = append(all.Requests, show(&found, c))
	}
	return all, nil
}

func cursorOf(at rights.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at.DueAt, 10) + " " + at.ID))
}

func parseCursor(text string) (at rights.Cursor, ok bool) {
	if text == "" {
		return at, true
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	due, id, found := strings.Cut(string(b), " ")
	if err != nil || !found || !isID(id) {
		return at, false
	}
	at.ID = id
	at.DueAt, err = strconv.ParseInt(due, 10, 64)
	return at, err == nil
}

// attestation is what staff saw, or compared.
type attestation struct {
	Subject string `json:"subject"`
	// Document is the kind of document that they saw; Kinds are what the person knew, and
	// Declared that they signed a declaration.
	Document string   `json:"document,omitempty"`
	Kinds    []string `json:"kinds,omitempty"`
	Declared bool     `json:"declared,omitempty"`
}

func attest(ctx context.Context, h *Handler, c *call, a *attestation) (proven, error) {
	if (a.Document == "") == (len(a.Kinds) == 0) {
		return proven{}, errMalformed
	}
	if a.Document != "" {
		return shownProof(h.c.Desk.Attest(ctx, rights.Attestation{
			Tenant: c.Tenant, Request: c.id, SubjectID: a.Subject, Method: rights.BySight, Document: a.Document,
		}))
	}
	return shownProof(h.c.Desk.Know(ctx, rights.Knowledge{
		Tenant: c.Tenant, Request: c.id, SubjectID: a.Subject, Kinds: a.Kinds, Declared: a.Declared,
	}))
}

func accept(ctx context.Context, h *Handler, c *call, _ *nothing) (request, error) {
	p, err := h.c.Desk.Proof(ctx, c.Tenant, c.id)
	if err != nil {
		return request{}, err
	}
	q, err := h.c.Desk.Accept(ctx, c.Tenant, c.id, p)
	return shown(q, err, c)
}

func approve(ctx context.Context, h *Handler, c *call, _ *nothing) (request, error) {
	q, err := h.c.Desk.Approve(ctx, c.Tenant, c.id)
	return shown(q, err, c)
}

type refusal struct {
	Reason   string    `json:"reason"`
	Citation string    `json:"citation,omitempty"`
	Scope    []string  `json:"scope,omitempty"`
	Evidence string    `json:"evidence,omitempty"`
	Review   time.Time `json:"review,omitzero"`
	// Part refuses what scope names, and lets the rest go on.
	Part bool `json:"part,omitempty"`
}

// refused is what the person must be told, and whether the desk tells them.
type refused struct {
	ID       string     `json:"id"`
	State    string     `json:"state"`
	Citation string     `json:"citation"`
	Subject  string     `json:"subject"`
	Body     string     `json:"body"`
	Sent     bool       `json:"sent"`
	AppealBy *time.Time `json:"appealBy,omitempty"`
}

func refuse(ctx context.Context, h *Handler, c *call, f *refusal) (refused, error) {
	to := rights.Refusal{
		Tenant: c.Tenant, Request: c.id, Reason: rights.Reason(f.Reason), Citation: f.Citation, Scope: f.Scope, Review: f.Review,
	}
	var err error
	if to.Evidence, err = digest(f.Evidence); err != nil {
		return refused{}, err
	}
	do := h.c.Desk.Refuse
	if f.Part {
		do = h.c.Desk.RefusePart
	}
	done, err := do(ctx, to)
	if err != nil {
		return refused{}, err
	}
	return refused{done.ID, string(done.State), done.Citation, done.Subject, done.Body, done.Sent, optional(done.AppealBy)}, nil
}

// digest reads a SHA-256; empty is none.
func digest(text string) (sum [32]byte, err error) {
	if text == "" {
		return sum, nil
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(sum) || strings.ToLower(text) != text {
		return sum, errMalformed
	}
	return [32]byte(b), nil
}

type extension struct {
	Reason    string    `json:"reason"`
	NoticedAt time.Time `json:"noticedAt,omitzero"`
}

func extend(ctx context.Context, h *Handler, c *call, e *extension) (request, error) {
	q, err := h.c.Desk.Extend(ctx, rights.Extension{
		Tenant: c.Tenant, Request: c.id, Reason: rights.ExtensionReason(e.Reason), NoticedAt: e.NoticedAt,
	})
	return shown(q, err, c)
}

// asking is what the person was asked for, or answered, at an instant, or now.
type asking struct {
	For    string    `json:"for"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// ask says that the person was asked for something; clocks that stand still for it do.
func ask(ctx context.Context, h *Handler, c *call, a *asking) (q request, err error) {
	var r rights.Request
	switch a.For {
	case "identity":
		r, err = h.c.Desk.AskIdentity(ctx, c.Tenant, c.id, a.At)
	case "clarification":
		r, err = h.c.Desk.AskClarification(ctx, c.Tenant, c.id, a.Reason, a.At)
	case "fee":
		r, err = h.c.Desk.AskFee(ctx, c.Tenant, c.id, a.Reason, a.At)
	default:
		return q, errMalformed
	}
	return shown(r, err, c)
}

// answered says that they answered; identity is shown, and not said.
func answered(ctx context.Context, h *Handler, c *call, a *asking) (q request, err error) {
	var r rights.Request
	switch a.For {
	case "clarification":
		r, err = h.c.Desk.Clarify(ctx, c.Tenant, c.id, a.At)
	case "fee":
		r, err = h.c.Desk.PayFee(ctx, c.Tenant, c.id, a.At)
	default:
		return q, errMalformed
	}
	return shown(r, err, c)
}

func workOf(ctx context.Context, h *Handler, c *call) (work, error) {
	if _, err := h.own(ctx, c, c.id); err != nil {
		return work{}, err
	}
	all, err := h.c.Desk.Work(ctx, c.Tenant, c.id)
	if err != nil {
		return work{}, err
	}
	open, err := h.c.Desk.Obligations(ctx, c.Tenant, c.id)
	if err != nil {
		return work{}, err
	}
	return showWork(all, open), nil
}

// contents are what a person wrote. Reading them is recorded.
type contents struct {
	Name    string `json:"name"`
	Channel string `json:"channel"`
	Address string `json:"address"`
	Text    string `json:"text"`
}

func contentsOf(ctx context.Context, h *Handler, c *call) (v contents, err error) {
	got, err := h.c.Desk.Contents(ctx, c.Tenant, c.id, readPurpose)
	if err != nil {
		return v, err
	}
	v.Channel = got.Channel
	for from, to := range map[*troth.Sensitive[string]]*string{&got.Name: &v.Name, &got.Address: &v.Address, &got.Text: &v.Text} {
		if *to, err = from.Reveal(readPurpose); err != nil {
			return contents{}, err
		}
	}
	return v, nil
}

// settlement is what a person did at a source that no program reached.
type settlement struct {
	Source  string    `json:"source"`
	Outcome string    `json:"outcome"`
	Method  string    `json:"method,omitempty"`
	Records uint64    `json:"records,omitempty"`
	Asked   []string  `json:"asked,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Copies  time.Time `json:"copiesUntil,omitzero"`
	// Ref is what shows it, such as a ticket.
	Ref string `json:"ref"`
}

func settle(ctx context.Context, h *Handler, c *call, s *settlement) (work, error) {
	if !isID(s.Source) {
		return work{}, errMalformed
	}
	err := h.c.Desk.Settle(ctx, c.Tenant, c.id, s.Source, rights.Report{
		Outcome: rights.Outcome(s.Outcome), Method: rights.ActionMethod(s.Method), Records: s.Records, Asked: s.Asked,
		Until: s.Until, CopiesUntil: s.Copies, Ref: s.Ref,
	})
	if err != nil {
		return work{}, err
	}
	return workOf(ctx, h, c)
}

type completion struct {
	Task    string `json:"task"`
	Outcome string `json:"outcome"`
}

func complete(ctx context.Context, h *Handler, c *call, t *completion) (work, error) {
	if _, err := h.c.Desk.Complete(ctx, c.Tenant, c.id, t.Task, t.Outcome); err != nil {
		return work{}, err
	}
	return workOf(ctx, h, c)
}

// mandate is an agent's authority. A document is only what staff looked at.
type mandate struct {
	// Agent is for staff to say.
	Agent  string    `json:"agent,omitempty"`
	Rights []string  `json:"rights"`
	Until  time.Time `json:"until"`
	// Signature is the holder's, in base64.
	Signature string `json:"signature,omitempty"`
	// Document is the SHA-256 of what staff looked at, Attorney that it is a power of
	// attorney.
	Document string `json:"document,omitempty"`
	Attorney bool   `json:"attorney,omitempty"`
}

func (m *mandate) read(c *call) (to rights.Mandate, err error) {
	to = rights.Mandate{Agent: c.Agent, Until: m.Until, Attorney: m.Attorney}
	if c.Staff {
		to.Agent = m.Agent
	} else if m.Agent != "" || m.Document != "" || m.Attorney || c.Agent == "" {
		return to, errForbidden
	}
	for _, r := range m.Rights {
		to.Rights = append(to.Rights, rights.Right(r))
	}
	if to.Signature, err = base64.StdEncoding.Strict().DecodeString(m.Signature); err != nil {
		return to, errMalformed
	}
	to.Document, err = digest(m.Document)
	return to, err
}

func authorise(ctx context.Context, h *Handler, c *call, m *mandate) (request, error) {
	if _, err := h.own(ctx, c, c.id); err != nil {
		return request{}, err
	}
	to, err := m.read(c)
	if err != nil {
		return request{}, err
	}
	q, err := h.c.Desk.Authorise(ctx, c.Tenant, c.id, to)
	return shown(q, err, c)
}

var staffRoutes = []route{
	forStaff(get("/requests/{id}/contents", "Staff: read what the person wrote. It is recorded.", contentsOf, codeGone, codeNotOffered)),
	forStaff(get("/requests/{id}/work", "Staff: how far it is at each source, and what is left to be done.", workOf)),
	forStaff(post("/requests/{id}/attest", "Staff: say who asks, of whom they saw a document, or who knew what only they should.", http.StatusOK, attest,
		codeUnproven, codeWrongState)),
	forStaff(post("/requests/{id}/ask", "Staff: the person was asked who they are, what they mean, or for a fee.", http.StatusOK, ask, codeWrongState)),
	forStaff(post("/requests/{id}/answered", "Staff: the person said what they mean, or paid.", http.StatusOK, answered, codeWrongState)),
	forStaff(post("/requests/{id}/accept", "Staff: carry it out. It needs a proof of who asks.", http.StatusOK, accept, codeUnproven, codeWrongState)),
	forStaff(post("/requests/{id}/approve", "Staff: what was found may be handed out, changed or destroyed.", http.StatusOK, approve,
		codeUnproven, codeWrongState)),
	forStaff(post("/requests/{id}/refuse", "Staff: refuse it, or a part of it.", http.StatusOK, refuse, codeIncomplete, codeWrongState)),
	forStaff(post("/requests/{id}/extend", "Staff: let the answer come later, where a law does.", http.StatusOK, extend, codeNoExtension)),
	forStaff(post("/requests/{id}/settle", "Staff: say what became of a source that they saw to.", http.StatusOK, settle, codeIncomplete, codeWrongState)),
	forStaff(post("/requests/{id}/complete", "Staff: a manual task that no source stands behind is done.", http.StatusOK, complete, codeWrongState)),
}
