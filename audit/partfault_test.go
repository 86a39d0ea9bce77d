package audit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

// reading runs read under each fault of each call that it makes, on an entry
// in the log.
func reading(t *testing.T, read func(f *faulty, ctx context.Context, id troth.EntryID) error) {
	t.Helper()
	var id troth.EntryID
	prepared := func(f *faulty) {
		ctx := troth.WithActor(f.Context(), kim)
		var err error
		id, err = f.honest.Record(ctx, letter("acme"))
		require.NoError(f, err)
		f.world().toLog()
	}
	eachFault(t, func(f *faulty, ctx context.Context) error { prepared(f); return read(f, ctx, id) },
		func(f *faulty, ctx context.Context, i faultstore.Injection) {
			prepared(f)
			err := read(f, ctx, id)
			switch i.Fault {
			case faultstore.FailBefore, faultstore.FailAfter:
				require.ErrorIs(f, err, faultstore.ErrInjected, "what could not be read was taken for something")
			case faultstore.CancelBefore:
				require.ErrorIs(f, err, context.Canceled)
			case faultstore.CancelAfter: // it may have been the last call
				require.True(f, err == nil || errors.Is(err, context.Canceled), "%v", err)
			default:
				require.FailNow(f, "nothing is known of this fault")
			}
			require.NoError(f, read(f, troth.WithActor(f.Context(), kim), id), "retry")
		})
}

func TestOpenPart_FailsAsTheStoreDoes(t *testing.T) {
	reading(t, func(f *faulty, ctx context.Context, id troth.EntryID) error {
		content, err := f.trail.OpenPart(ctx, audit.PartRef{Tenant: "acme", Entry: id, SubjectID: "17"}, "test")
		require.Equal(f, err == nil, string(content) == "dear canary of acme")
		return err
	})
}

func TestParts_FailAsTheStoreDoes(t *testing.T) {
	reading(t, func(f *faulty, ctx context.Context, id troth.EntryID) error {
		infos, err := f.trail.Parts(ctx, "acme", id)
		require.Equal(f, err == nil, len(infos) == 3)
		return err
	})
}

func TestOpening_FailsAsTheStoreDoes(t *testing.T) {
	f := newFaulty(t, faultstore.Injection{Method: "Pseudonym", Nth: 1, Fault: faultstore.FailBefore})
	_, err := f.honest.Record(troth.WithActor(t.Context(), kim), touch("acme", "17"))
	require.NoError(t, err)
	_, err = f.trail.Opening(troth.WithActor(t.Context(), kim), ada, "test")
	require.ErrorIs(t, err, faultstore.ErrInjected)
	require.NotErrorIs(t, err, audit.ErrNoPseudonym)
	_, err = f.trail.Opening(troth.WithActor(t.Context(), kim), ada, "test")
	require.NoError(t, err)
}
