package audit_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

// TestSequence_AnotherGoesOnBetweenAnyTwoCalls holds a process up before each call that
// moving and signing the log makes, and before each beginning and end of a transaction,
// until another has recorded, moved and signed the log, as far as it gets. Whatever the
// one knew then is old: nothing is lost or doubled, and both go on with one log.
func TestSequence_AnotherGoesOnBetweenAnyTwoCalls(t *testing.T) {
	for _, op := range append(slices.Clip(operations), operation{
		name: "rotate", prepare: begun, opts: rotating,
		run: func(ctx context.Context, s *site, trail *audit.Trail) error {
			_, err := trail.Rotate(ctx, s.signer)
			return err
		},
	}) {
		t.Run(op.name, func(t *testing.T) {
			dry := newSite(t)
			op.prepare(dry)
			trail := dry.faulty(op.opts(dry)...)
			before := len(dry.plan.Calls())
			require.NoError(t, op.run(t.Context(), dry, trail))
			calls := dry.plan.Calls()[before:]
			require.Greater(t, len(calls), 4)
			n := 0
			for i := range faultstore.Each(calls, faultstore.Delay) {
				if n++; n%slowdown != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s %d", i.Method, i.Nth), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { holdUpAndGoOn(t, op, i) })
				})
			}
		})
	}
}

func holdUpAndGoOn(t *testing.T, op operation, i faultstore.Injection) {
	s := newSite(t)
	op.prepare(s)
	trail := s.faulty(op.opts(s)...)
	i.Wait = time.Millisecond
	s.plan.Add(i)
	done := make(chan error, 1)
	go func() { done <- op.run(t.Context(), s, trail) }()
	synctest.Wait() // until it is held up

	s.record(2)
	_, moved := s.honest.Sequence(t.Context())
	_, signed := s.honest.Checkpoint(t.Context())
	s.record(1)
	require.NoError(t, <-done)
	require.Equal(t, 1, s.plan.Injected())
	if op.name == "rotate" {
		s.record(1)
		s.drain(trail)
		_, err := s.honest.Sequence(t.Context())
		require.ErrorIs(t, err, audit.ErrSigner)
		s.check(s.on(s.store, rotating(s)...), s.sign(trail))
		return
	}
	require.NoError(t, moved)
	require.NoError(t, signed)
	s.drain(s.honest)
	s.drain(trail)
	s.check(s.honest, s.sign(trail), s.sign(s.honest))
	s.check(trail)
}
