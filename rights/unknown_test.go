package rights_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// What is about a request that the tenant has none of says so, reads too; what belongs to one
// is an empty list.
func TestDesk_EveryCallAboutNoRequestIsNotFound(t *testing.T) {
	w := newWorld(t, rights.WithController("Acme"), rights.WithExports(exports(t)))
	const id = "nowhere"
	lock, _, err := export.FreshKey()
	require.NoError(t, err)
	one := func(call func(ctx context.Context, tenant troth.Tenant, id string) (rights.Request, error)) func() error {
		return func() error { _, err := call(w.ctx, acme, id); return err }
	}
	at := func(call func(ctx context.Context, tenant troth.Tenant, id string, at time.Time) (rights.Request, error)) func() error {
		return func() error { _, err := call(w.ctx, acme, id, time.Time{}); return err }
	}
	d := w.desk
	for name, call := range map[string]func() error{
		"Request": one(d.Request), "Approve": one(d.Approve), "Acknowledge": at(d.Acknowledge), "AskIdentity": at(d.AskIdentity),
		"Clarify": at(d.Clarify), "PayFee": at(d.PayFee), "Deliver": at(d.Deliver),
		"Accept":   func() error { _, err := d.Accept(w.ctx, acme, id, rights.Proof{}); return err },
		"Withdraw": func() error { _, err := d.Withdraw(w.ctx, acme, id, rights.Proof{}); return err },
		"Attest": func() error {
			_, err := d.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: id, SubjectID: "ada", Method: rights.BySession})
			return err
		},
		"Assign":    func() error { _, err := d.Assign(w.ctx, acme, id, "billing"); return err },
		"Certify":   func() error { _, err := d.Certify(w.ctx, acme, id); return err },
		"Complete":  func() error { _, err := d.Complete(w.ctx, acme, id, "sources", "done"); return err },
		"Contents":  func() error { _, err := d.Contents(w.ctx, acme, id, "support"); return err },
		"Deadlines": func() error { _, err := d.Deadlines(w.ctx, acme, id); return err },
		"Events":    func() error { _, err := d.Events(w.ctx, acme, id); return err },
		"Export":    func() error { _, err := d.Export(w.ctx, acme, id, io.Discard, lock); return err },
		"Lift": func() error {
			_, err := d.Lift(w.ctx, rights.Lifting{Tenant: acme, Request: id, Ground: "g"})
			return err
		},
		"Proof": func() error { _, err := d.Proof(w.ctx, acme, id); return err },
		"Refuse": func() error {
			_, err := d.Refuse(w.ctx, rights.Refusal{Tenant: acme, Request: id, Reason: rights.NotVerified})
			return err
		},
	} {
		require.ErrorIs(t, call(), rights.ErrNotFound, name)
	}
	work, err := d.Work(w.ctx, acme, id)
	require.NoError(t, err)
	require.Empty(t, work)
	obligations, err := d.Obligations(w.ctx, acme, id)
	require.NoError(t, err)
	require.Empty(t, obligations)
	refusals, err := d.Refusals(w.ctx, acme, id)
	require.NoError(t, err)
	require.Empty(t, refusals)
	certificates, err := d.Certificates(w.ctx, acme, id)
	require.NoError(t, err)
	require.Empty(t, certificates)
	require.NoError(t, d.Step(w.ctx, acme, id))
}
