package rightshttp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// readPurpose is why what a caller gave or is given is looked at here.
const readPurpose troth.Purpose = "rights-request"

type submission struct {
	Right     string   `json:"right"`
	Sensitive bool     `json:"sensitive,omitempty"`
	Purposes  []string `json:"purposes,omitempty"`
	Fields    []string `json:"fields,omitempty"`
	Of        string   `json:"of,omitempty"`
	Language  string   `json:"language,omitempty"`
	Name      string   `json:"name,omitempty"`
	Channel   string   `json:"channel,omitempty"`
	Address   string   `json:"address,omitempty"`
	Text      string   `json:"text,omitempty"`
	// Mandate is for agents.
	Mandate *mandate `json:"mandate,omitempty"`
	// What follows is for staff, who take down what came by letter or telephone.
	Subject    string    `json:"subject,omitempty"`
	Via        string    `json:"via,omitempty"`
	ReceivedAt time.Time `json:"receivedAt,omitzero"`
	Regimes    []string  `json:"regimes,omitempty"`
}

func (s *submission) forStaff() bool {
	return s.Subject != "" || s.Via != "" || !s.ReceivedAt.IsZero() || len(s.Regimes) > 0
}

func submit(ctx context.Context, h *Handler, c *call, s *submission) (request, error) {
	if s.forStaff() && !c.Staff {
		return request{}, errForbidden
	}
	to := rights.Submission{
		Tenant: c.Tenant, ID: c.id, Right: rights.Right(s.Right), Via: rights.ViaWeb, ReceivedAt: s.ReceivedAt,
		SubjectID: c.SubjectID, Sensitive: s.Sensitive, Regimes: s.Regimes, Fields: s.Fields, Of: s.Of, Language: s.Language,
		Contents: rights.Contents{
			Name: troth.Protect(s.Name), Channel: s.Channel, Address: troth.Protect(s.Address), Text: troth.Protect(s.Text),
		},
	}
	for _, p := range s.Purposes {
		to.Purposes = append(to.Purposes, troth.Purpose(p))
	}
	var err error
	switch {
	case c.Staff:
		to.SubjectID = s.Subject
		if s.Via != "" {
			to.Via = rights.Via(s.Via)
		}
	case c.Agent != "":
		to.Via, to.SubjectID = rights.ViaAgent, ""
	case c.SubjectID != "":
		to.Via = rights.ViaAccount
	}
	if to.Mandate, err = submitted(c, s.Mandate); err != nil {
		return request{}, err
	}
	if s.Of != "" { // of one's own
		if _, err := h.own(ctx, c, s.Of); err != nil {
			return request{}, err
		}
	}
	q, err := h.c.Desk.Submit(ctx, to)
	if err != nil {
		return request{}, err
	}
	v := show(&q, c)
	if !c.Staff && c.SubjectID == "" && c.Agent == "" {
		token, err := h.c.Desk.Token(ctx, c.Tenant, q.ID)
		if err != nil {
			return request{}, err
		}
		if v.Token, err = token.Reveal(readPurpose); err != nil {
			return request{}, err
		}
	}
	return v, nil
}

// submitted is the mandate that a request comes with. An agent always has one, if only
// to say that they are an agent.
func submitted(c *call, m *mandate) (*rights.Mandate, error) {
	switch {
	case m != nil:
		got, err := m.read(c)
		return &got, err
	case c.Agent != "" && !c.Staff:
		return &rights.Mandate{Agent: c.Agent}, nil
	}
	return nil, nil //nolint:nilnil // most requests come without
}

func requests(ctx context.Context, h *Handler, c *call) (list, error) {
	all := list{Requests: []request{}}
	if c.Staff {
		return h.queue(ctx, c)
	}
	if c.SubjectID == "" {
		return all, nil
	}
	found, err := h.c.Desk.Of(ctx, troth.Subject{Tenant: c.Tenant, ID: c.SubjectID})
	if err != nil {
		return all, err
	}
	for i := range found {
		all.Requests = append(all.Requests, show(&found[i], c))
	}
	return all, nil
}

func follow(ctx context.Context, h *Handler, c *call) (request, error) {
	q, err := h.own(ctx, c, c.id)
	return shown(q, err, c)
}

func deadlinesOf(ctx context.Context, h *Handler, c *call) (clocks, error) {
	if _, err := h.own(ctx, c, c.id); err != nil {
		return clocks{}, err
	}
	d, err := h.c.Desk.Deadlines(ctx, c.Tenant, c.id)
	if err != nil {
		return clocks{}, err
	}
	return showDocket(&d), nil
}

func refusalsOf(ctx context.Context, h *Handler, c *call) (refusals, error) {
	if _, err := h.own(ctx, c, c.id); err != nil {
		return refusals{}, err
	}
	all, err := h.c.Desk.Refusals(ctx, c.Tenant, c.id)
	if err != nil {
		return refusals{}, err
	}
	return showRefusals(all), nil
}

type address struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
}

func sendCode(ctx context.Context, h *Handler, c *call, to *address) (nothing, error) {
	if _, err := h.own(ctx, c, c.id); err != nil {
		return nothing{}, err
	}
	return nothing{}, h.c.Desk.SendCode(ctx, rights.CodeRequest{
		Tenant: c.Tenant, Request: c.id, Address: troth.Address{Channel: to.Channel, Value: troth.Protect(to.Address)},
	})
}

type code struct {
	Code string `json:"code,omitempty"`
}

// verify shows who the caller is: by a code, or, if there is none, by their login.
func verify(ctx context.Context, h *Handler, c *call, with *code) (proven, error) {
	if _, err := h.own(ctx, c, c.id); err != nil {
		return proven{}, err
	}
	if with.Code != "" {
		return shownProof(h.c.Desk.CheckCode(ctx, c.Tenant, c.id, troth.Protect(with.Code)))
	}
	return shownProof(h.login(ctx, c))
}

// login is a proof by the caller's login.
func (h *Handler) login(ctx context.Context, c *call) (rights.Proof, error) {
	if c.SubjectID == "" || c.Staff || c.Agent != "" {
		return rights.Proof{}, rights.ErrUnproven
	}
	a := rights.Attestation{Tenant: c.Tenant, Request: c.id, SubjectID: c.SubjectID, Method: rights.BySession}
	if !c.LoggedInAt.IsZero() {
		a.Method, a.At = rights.ByReauthentication, c.LoggedInAt
	}
	return h.c.Desk.Attest(ctx, a)
}

// person is the proof that a person has who calls about their own request: what they
// showed for it before, or else their login. The zero Proof is for requests that
// need none.
func (h *Handler) person(ctx context.Context, c *call) (rights.Request, rights.Proof, error) {
	q, err := h.own(ctx, c, c.id)
	if err != nil {
		return q, rights.Proof{}, err
	}
	if c.Staff {
		return q, rights.Proof{}, rights.ErrUnproven // it is for the person
	}
	p, err := h.c.Desk.Proof(ctx, c.Tenant, c.id)
	if errors.Is(err, rights.ErrUnproven) {
		return q, rights.Proof{}, nil
	}
	return q, p, err
}

func withdraw(ctx context.Context, h *Handler, c *call, _ *nothing) (request, error) {
	q, p, err := h.person(ctx, c)
	if err != nil {
		return request{}, err
	}
	if c.SubjectID != "" && q.Level > rights.LevelNone { // before, nobody has shown anything
		if p, err = h.login(ctx, c); err != nil {
			return request{}, err
		}
	}
	q, err = h.c.Desk.Withdraw(ctx, c.Tenant, c.id, p)
	return shown(q, err, c)
}

type delivery struct {
	At time.Time `json:"at,omitzero"`
}

// deliver says that the answer is there: the person who has it, or staff who know.
func deliver(ctx context.Context, h *Handler, c *call, d *delivery) (request, error) {
	if _, err := h.own(ctx, c, c.id); err != nil {
		return request{}, err
	}
	if !c.Staff && !d.At.IsZero() {
		return request{}, errForbidden // they say that they have it now
	}
	q, err := h.c.Desk.Deliver(ctx, c.Tenant, c.id, d.At)
	return shown(q, err, c)
}

// confirm is the holder's word, to the host itself, that an agent may ask.
func confirm(ctx context.Context, h *Handler, c *call, _ *nothing) (request, error) {
	q, err := h.own(ctx, c, c.id)
	if err != nil {
		return request{}, err
	}
	if c.Staff || c.SubjectID == "" || c.SubjectID != q.SubjectID {
		return request{}, rights.ErrUnproven // not through the agent
	}
	p, err := h.login(ctx, c)
	if err != nil {
		return request{}, err
	}
	q, err = h.c.Desk.ConfirmMandate(ctx, c.Tenant, c.id, p)
	return shown(q, err, c)
}

var personRoutes = []route{
	post("/requests", "Submit a request.", http.StatusCreated, submit, codeForbidden, codeNotFound, codeNoRight),
	with(get("/requests", "A person's own requests; for staff, those of the tenant by deadline.", requests, codeMalformed),
		"state", "owner", "right", "closed", "after"),
	get("/requests/{id}", "Follow a request.", follow),
	get("/requests/{id}/deadlines", "Every clock of a request, each explained.", deadlinesOf),
	get("/requests/{id}/refusals", "What was refused of a request: why, by what law, and until when to appeal.", refusalsOf),
	apart(post("/requests/{id}/code", "Have a code sent to an address. Whether it is known is not told.", http.StatusAccepted, sendCode, codeWrongState)),
	apart(post("/requests/{id}/verify", "Show who one is, by a code or by the login.", http.StatusOK, verify,
		codeUnproven, codeWrongCode, codeWrongState)),
	post("/requests/{id}/withdraw", "Take a request back.", http.StatusOK, withdraw, codeUnproven, codeWrongState),
	post("/requests/{id}/mandate", "Show that an agent may ask: the agent by a signature, staff by what they looked at.", http.StatusOK, authorise,
		codeUnproven, codeForbidden, codeWrongState, codeNoRight),
	post("/requests/{id}/mandate/confirm", "The person confirms that an agent may ask.", http.StatusOK, confirm, codeUnproven, codeWrongState),
	post("/requests/{id}/export", "Have an export made ready to be downloaded once.", http.StatusCreated, offer,
		codeUnproven, codeWrongState, codeBadKey),
	post("/requests/{id}/deliver", "The person has the answer: they say so, or staff do.", http.StatusOK, deliver, codeForbidden, codeWrongState),
}
