package rightshttp

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

type submission struct {
	Right     string   `json:"right"`
	Sensitive bool     `json:"sensitive"`
	Purposes  []string `json:"purposes"`
	Fields    []string `json:"fields"`
	Of        string   `json:"of"`
	Language  string   `json:"language"`
	Name      string   `json:"name"`
	Channel   string   `json:"channel"`
	Address   string   `json:"address"`
	Text      string   `json:"text"`
}

// idFor is the id of a request that is submitted under a key: the caller's own, so that
// nobody meets another's.
func idFor(c Caller, key string) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(string(c.Tenant) + "\x00" + c.Actor.ID + "\x00" + c.SubjectID + "\x00" + c.LimitKey + "\x00" + key))
	return "h-" + hex.EncodeToString(sum[:16])
}

func (h *Handler) submit(w http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	var s submission
	if err := read(w, r, &s); err != nil {
		return 0, nil, err
	}
	to := rights.Submission{
		Tenant: c.Tenant, ID: idFor(c, r.Header.Get("Idempotency-Key")), Right: rights.Right(s.Right), Via: rights.ViaWeb,
		SubjectID: c.SubjectID, Sensitive: s.Sensitive, Fields: s.Fields, Of: s.Of, Language: s.Language,
		Contents: rights.Contents{
			Name: troth.Protect(s.Name), Channel: s.Channel, Address: troth.Protect(s.Address), Text: troth.Protect(s.Text),
		},
	}
	if c.SubjectID != "" {
		to.Via = rights.ViaAccount
	}
	for _, p := range s.Purposes {
		to.Purposes = append(to.Purposes, troth.Purpose(p))
	}
	if s.Of != "" { // of one's own
		q, err := h.c.Desk.Request(r.Context(), c.Tenant, s.Of)
		if err != nil {
			return 0, nil, err
		}
		if !c.Staff && q.SubjectID != c.SubjectID {
			return 0, nil, rights.ErrNotFound
		}
	}
	q, err := h.c.Desk.Submit(r.Context(), to)
	return http.StatusCreated, show(q, c), err
}

// maxList is how many requests a list holds.
const maxList = 100

func (h *Handler) list(_ http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	all := struct {
		Requests []request `json:"requests"`
	}{Requests: []request{}}
	switch {
	case c.Staff:
		q := rights.Queue{
			Tenant: c.Tenant, Page: maxList, State: rights.State(r.FormValue("state")), Owner: r.FormValue("owner"),
		}
		for found, err := range h.c.Desk.Queue(r.Context(), q) {
			if err != nil {
				return 0, nil, err
			}
			if all.Requests = append(all.Requests, show(found, c)); len(all.Requests) == maxList {
				break
			}
		}
	case c.SubjectID != "":
		found, err := h.c.Desk.Of(r.Context(), troth.Subject{Tenant: c.Tenant, ID: c.SubjectID})
		if err != nil {
			return 0, nil, err
		}
		for _, q := range found {
			all.Requests = append(all.Requests, show(q, c))
		}
	}
	return http.StatusOK, all, nil
}

func (h *Handler) follow(_ http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	q, err := h.own(r, c)
	return http.StatusOK, show(q, c), err
}

// accepted is the answer to what tells nothing.
type accepted struct{}

func (h *Handler) code(w http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	var to struct {
		Channel string `json:"channel"`
		Address string `json:"address"`
	}
	if err := read(w, r, &to); err != nil {
		return 0, nil, err
	}
	err := h.c.Desk.SendCode(r.Context(), rights.CodeRequest{
		Tenant: c.Tenant, Request: r.PathValue("id"), Address: troth.Address{Channel: to.Channel, Value: troth.Protect(to.Address)},
	})
	return http.StatusAccepted, accepted{}, err
}

// verify shows who the caller is: by a code, or, if there is none, by their login.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	var with struct {
		Code string `json:"code"`
	}
	if err := read(w, r, &with); err != nil {
		return 0, nil, err
	}
	var p rights.Proof
	var err error
	if with.Code != "" {
		p, err = h.c.Desk.CheckCode(r.Context(), c.Tenant, r.PathValue("id"), troth.Protect(with.Code))
	} else {
		p, err = h.login(r, c)
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, struct {
		Level     string    `json:"level"`
		ExpiresAt time.Time `json:"expiresAt"`
	}{p.Level().String(), p.ExpiresAt()}, nil
}

// login is a proof by the caller's login.
func (h *Handler) login(r *http.Request, c Caller) (rights.Proof, error) {
	if c.SubjectID == "" {
		return rights.Proof{}, rights.ErrUnproven
	}
	a := rights.Attestation{Tenant: c.Tenant, Request: r.PathValue("id"), SubjectID: c.SubjectID, Method: rights.BySession}
	if !c.LoggedInAt.IsZero() {
		a.Method, a.At = rights.ByReauthentication, c.LoggedInAt
	}
	return h.c.Desk.Attest(r.Context(), a)
}

func (h *Handler) withdraw(_ http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	if _, err := h.own(r, c); err != nil {
		return 0, nil, err
	}
	if c.Staff {
		return 0, nil, rights.ErrUnproven // it is for the person
	}
	p, err := h.login(r, c)
	if err != nil {
		return 0, nil, err
	}
	q, err := h.c.Desk.Withdraw(r.Context(), c.Tenant, r.PathValue("id"), p)
	return http.StatusOK, show(q, c), err
}

func (h *Handler) accept(_ http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	p, err := h.c.Desk.Proof(r.Context(), c.Tenant, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	q, err := h.c.Desk.Accept(r.Context(), c.Tenant, r.PathValue("id"), p)
	return http.StatusOK, show(q, c), err
}

func (h *Handler) approve(_ http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	q, err := h.c.Desk.Approve(r.Context(), c.Tenant, r.PathValue("id"))
	return http.StatusOK, show(q, c), err
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, c Caller) (int, any, error) {
	var f struct {
		Reason   string    `json:"reason"`
		Citation string    `json:"citation"`
		Scope    []string  `json:"scope"`
		Evidence string    `json:"evidence"`
		Review   time.Time `json:"review"`
		Part     bool      `json:"part"`
	}
	if err := read(w, r, &f); err != nil {
		return 0, nil, err
	}
	to := rights.Refusal{
		Tenant: c.Tenant, Request: r.PathValue("id"), Reason: rights.Reason(f.Reason), Citation: f.Citation, Scope: f.Scope, Review: f.Review,
	}
	if f.Evidence != "" {
		sum, err := hex.DecodeString(f.Evidence)
		if err != nil || len(sum) != len(to.Evidence) {
			return 0, nil, errBody
		}
		copy(to.Evidence[:], sum)
	}
	refuse := h.c.Desk.Refuse
	if f.Part {
		refuse = h.c.Desk.RefusePart
	}
	done, err := refuse(r.Context(), to)
	return http.StatusOK, struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Subject string `json:"subject"`
		Body    string `json:"body"`
		Sent    bool   `json:"sent"`
	}{done.ID, string(done.State), done.Subject, done.Body, done.Sent}, err
}
