package rightshttp

import (
	"context"
	"net/http"
	"time"

	"github.com/trothdev/troth/rights"
)

// What staff decide about a request beside answering it, and the certificates of what became
// of an erasure.

type lifting struct {
	Ground string    `json:"ground"`
	At     time.Time `json:"at,omitzero"`
	// ToldAt is when the host told the person; without it the desk does.
	ToldAt time.Time `json:"toldAt,omitzero"`
}

func lift(ctx context.Context, h *Handler, c *call, l *lifting) (request, error) {
	q, err := h.c.Desk.Lift(ctx, rights.Lifting{Tenant: c.Tenant, Request: c.id, Ground: l.Ground, At: l.At, ToldAt: l.ToldAt})
	return shown(q, err, c)
}

// assignment gives a request to a role; empty is nobody in particular.
type assignment struct {
	Owner string `json:"owner"`
}

func assign(ctx context.Context, h *Handler, c *call, a *assignment) (request, error) {
	q, err := h.c.Desk.Assign(ctx, c.Tenant, c.id, a.Owner)
	return shown(q, err, c)
}

// forwarding names the controller that the host processes for.
type forwarding struct {
	To string `json:"to"`
}

func forward(ctx context.Context, h *Handler, c *call, f *forwarding) (request, error) {
	q, err := h.c.Desk.Forward(ctx, c.Tenant, c.id, f.To)
	return shown(q, err, c)
}

type duplicate struct {
	Of string `json:"of"`
}

func markDuplicate(ctx context.Context, h *Handler, c *call, d *duplicate) (request, error) {
	if !isID(d.Of) {
		return request{}, errMalformed
	}
	q, err := h.c.Desk.MarkDuplicate(ctx, c.Tenant, c.id, d.Of)
	return shown(q, err, c)
}

// certified is a certificate that was issued.
type certified struct {
	Stage    string    `json:"stage"`
	IssuedAt time.Time `json:"issuedAt"`
	// Complete is by when everything that is known of is gone.
	Complete *time.Time `json:"completeBy,omitempty"`
	// Path is where it is downloaded, from where the handler is.
	Path string `json:"path"`
}

func certify(ctx context.Context, h *Handler, c *call, _ *nothing) (certified, error) {
	q, err := h.own(ctx, c, c.id)
	if err != nil {
		return certified{}, err
	}
	if q.Right != rights.Erase { // nothing of it is certified
		return certified{}, &rights.StateError{State: q.State, Event: rights.Executed}
	}
	made, err := h.c.Desk.Certify(ctx, c.Tenant, c.id)
	if err != nil {
		return certified{}, err
	}
	v := certified{
		Stage: string(made.Stage), IssuedAt: made.Issued.Time, Path: "/requests/" + c.id + "/certificate/" + string(made.Stage),
	}
	if made.Complete != nil {
		v.Complete = &made.Complete.Time
	}
	return v, nil
}

// certificateOf is a certificate as a file, with its proof.
func certificateOf(ctx context.Context, h *Handler, c *call) (file, error) {
	if _, err := h.own(ctx, c, c.id); err != nil {
		return nil, err
	}
	all, err := h.c.Desk.Certificates(ctx, c.Tenant, c.id)
	if err != nil {
		return nil, err
	}
	for _, made := range all {
		if string(made.Stage) == c.r.PathValue("stage") {
			return h.c.Desk.ProveCertificate(ctx, made)
		}
	}
	return nil, rights.ErrNotFound
}

// file is an answer that is sent as it is: who verifies one knows every byte.
type file []byte

var caseRoutes = []route{
	forStaff(post("/requests/{id}/lift", "Staff: end a restriction, once the person was told.", http.StatusOK, lift, codeWrongState)),
	forStaff(post("/requests/{id}/assign", "Staff: give it to a role, whose queue it stands in then.", http.StatusOK, assign)),
	forStaff(post("/requests/{id}/forward", "Staff: it is for the controller that the data is only processed for, who has it now.",
		http.StatusOK, forward, codeWrongState)),
	forStaff(post("/requests/{id}/duplicate", "Staff: another request of the person is about the same.", http.StatusOK, markDuplicate,
		codeWrongState)),
	post("/requests/{id}/certify", "Issue a certificate of what became of an erasure, as it is now.", http.StatusCreated, certify, codeWrongState),
	of[rights.Certificate](get("/requests/{id}/certificate/{stage}", "The certificate of a stage that was issued last, with its proof.",
		certificateOf, codePending, codeNotOffered)),
}
