package retention_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// Who belongs to another tenant decides nothing here, whatever roles they have there; and
// who belongs to a tenant decides nothing for all.
func TestKeeper_PeopleOfAnotherTenantDecideNothing(t *testing.T) {
	w := newSpread(t)
	h := w.purged("1", "p")
	w.trashed("2", "q")
	w.hold(retention.Hold{ID: "h", SubjectID: "q"})
	require.NoError(t, w.k.ProposeRelease(w.lawyer(), ours, "h"))
	require.NoError(t, w.k.ProposeException(w.lawyer(), retention.ExceptionRecord{
		Tenant: ours, ID: "x", Reason: retention.BecauseDispute, Until: w.now.AddDate(1, 0, 0),
	}))
	w.except(retention.ExceptionRecord{ID: "y", Until: w.now.AddDate(1, 0, 0)})
	require.NoError(t, w.k.StopAll(person(w.ctx, "x", "operator"), ours, "s"))
	roles := []string{"counsel", "dpo", "privacy", "operator", "custodian"}
	of := func(tenant troth.Tenant, kind troth.ActorKind) context.Context {
		return troth.WithActor(w.ctx, troth.Actor{Kind: kind, ID: "them", Tenant: tenant, Roles: roles})
	}
	exception := retention.ExceptionRecord{Tenant: ours, ID: "z", Reason: retention.BecauseDispute, Until: w.now.AddDate(1, 0, 0)}
	erasure := retention.ErasureGrant{Tenant: ours, Request: "r", SubjectID: "q"}
	for name, act := range map[string]func(ctx context.Context) error{
		"place": func(ctx context.Context) error {
			return w.k.Place(ctx, retention.Hold{Tenant: ours, ID: "h2", Matter: "m", Review: w.now.AddDate(1, 0, 0)})
		},
		"propose a release":    func(ctx context.Context) error { return w.k.ProposeRelease(ctx, ours, "h") },
		"release":              func(ctx context.Context) error { return w.k.Release(ctx, ours, "h") },
		"review":               func(ctx context.Context) error { return w.k.ReviewHold(ctx, ours, "h", w.now.Add(time.Hour)) },
		"propose an exception": func(ctx context.Context) error { return w.k.ProposeException(ctx, exception) },
		"grant an exception":   func(ctx context.Context) error { return w.k.GrantException(ctx, ours, "x") },
		"end an exception":     func(ctx context.Context) error { return w.k.EndException(ctx, ours, "y") },
		"grant an erasure":     func(ctx context.Context) error { return w.k.GrantErasure(ctx, erasure) },
		"decide a conflict":    func(ctx context.Context) error { return w.k.DecideConflict(ctx, ours, "c", retention.KeepAndTell, "") },
		"accept":               func(ctx context.Context) error { _, err := w.k.AcceptControls(ctx, ours); return err },
		"stop":                 func(ctx context.Context) error { return w.k.StopAll(ctx, ours, "s2") },
		"lift":                 func(ctx context.Context) error { return w.k.Lift(ctx, ours, "s") },
		"confirm": func(ctx context.Context) error {
			return w.k.ConfirmCopy(ctx, retention.Confirmation{
				Tenant: ours, Handle: h, Copy: "file-cabinet", Method: retention.MethodBurned, Evidence: "p",
			})
		},
		"hear what is too late": func(ctx context.Context) (err error) {
			for _, err = range w.k.TooLate(ctx, ours, "h") {
				break
			}
			return err
		},
	} {
		require.ErrorIs(t, act(of("other", troth.Person)), retention.ErrRole, name)
		require.ErrorIs(t, act(of("other", troth.Service)), retention.ErrRole, name)
	}
	newer := wide(t)
	newer.Version++
	p, err := w.k.Preview(w.ctx)
	require.NoError(t, err)
	for name, act := range map[string]func(ctx context.Context) error{
		"activate": func(ctx context.Context) error { return w.k.Activate(ctx, newer) },
		"propose":  func(ctx context.Context) error { return w.k.Propose(ctx, p) },
		"approve":  func(ctx context.Context) error { return w.k.Approve(ctx, p.Hash()) },
		"stop":     func(ctx context.Context) error { return w.k.StopAll(ctx, troth.Platform, "s3") },
		"accept":   func(ctx context.Context) error { _, err := w.k.AcceptControls(ctx, troth.Platform); return err },
	} {
		require.ErrorIs(t, act(of(ours, troth.Person)), retention.ErrRole, name)
	}
	require.NotEmpty(t, w.sees("2"))
	require.NoError(t, w.k.GrantErasure(of(ours, troth.Service), erasure), "a service of the tenant's own")
}
