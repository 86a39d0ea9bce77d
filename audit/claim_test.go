package audit_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

// liar answers every checkpoint with a claim, and shows a proof of it, or what it
// takes for one.
func liar(status int, answer string, proof []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if proof == nil {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write(proof)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}
}

// claims are what a witness can say against a log of 21 entries.
var claims = map[string]struct {
	status int
	answer string
	size   uint64
}{
	"more than there is":         {http.StatusConflict, "1000\n", 1000},
	"another of the same size":   {http.StatusConflict, "21\n", 21},
	"that it does not lead on":   {http.StatusUnprocessableEntity, "", 0},
	"more than any log can have": {http.StatusConflict, "4611686018427387903\n", 1<<62 - 1},
}

// What a witness claims and does not prove by the log's own signature holds up
// nothing, and is reported as what it is.
func TestWithWitness_AClaimWithoutProofHoldsUpNothing(t *testing.T) {
	o := newObserved(t)
	o.fill(20, "acme")
	elsewhere := newWorld(t, audit.WithSigner(o.key))
	elsewhere.fill(5, "acme")
	other := newWorld(t, audit.WithSigner(fixedKey(t, origin+"-3", 8)))
	other.fill(30, "acme")
	forged := newWorld(t, audit.WithSigner(fixedKey(t, origin, 9)))
	forged.fill(30, "acme")
	own := o.checkpoint()
	proofs := map[string][]byte{
		"none":                      nil,
		"noise":                     []byte("noise"),
		"a note that is too long":   bytes.Repeat([]byte{'x'}, 1<<20),
		"a checkpoint that is ours": own,
		"one of another log":        other.checkpoint(),
		"one by another key":        forged.checkpoint(),
		"one that somebody changed": bytes.Replace(own, []byte("\n21\n"), []byte("\n31\n"), 1),
		"one without any signature": own[:bytes.LastIndex(own, []byte("\n\n"))+2],
	}
	for what, c := range claims {
		for shown, proof := range proofs {
			key := o.witness.VerifierKey()
			base := serve(t, liar(c.status, c.answer, proof))
			for _, newest := range []string{"", base + "newest"} {
				o.tick()
				witness := audit.WithWitness(audit.Witness{URL: base, Key: key, Newest: newest})
				trail := o.another(audit.WithSigner(o.key), witness)
				_, err := trail.Checkpoint(t.Context())
				failed, ok := errors.AsType[*audit.SinkError](err)
				require.True(t, ok, "%s, %s: %v", what, shown, err)
				claim, ok := errors.AsType[*audit.ClaimError](failed)
				require.True(t, ok, "%s, %s: %v", what, shown, err)
				assert.Equal(t, audit.ClaimError{Origin: origin, Claimed: c.size, Have: 21}, *claim, what)
				_, back := errors.AsType[*audit.RolledBackError](err)
				require.False(t, back, "%s, %s", what, shown)
				_, err = trail.Verify(t.Context(), audit.VerifyParams{})
				require.NoError(t, err, "%s, %s", what, shown)
			}
		}
	}
	key := o.witness.VerifierKey()
	for what, c := range claims {
		trail := o.another(audit.WithSigner(o.key), audit.WithWitness(audit.Witness{URL: serve(t, liar(c.status, c.answer, nil)), Key: key}))
		_, err := o.trail.Record(o.as(kim), touch("acme", "17"))
		require.NoError(t, err)
		n, err := trail.Sequence(t.Context())
		require.NoError(t, err, what)
		require.Equal(t, 1, n, what)
	}
}

// The log's own signature on what the log does not lead to is proof, whoever
// shows it, and whatever else stands below it.
func TestWithWitness_AProvenClaimStopsTheLog(t *testing.T) {
	o := newObserved(t)
	o.fill(20, "acme")
	before := newWorld(t, audit.WithSigner(o.key))
	before.fill(30, "acme")
	proof := before.checkpoint()
	unknown := newFixedWitness("unknown.example/w", 3)
	body, _, _ := bytes.Cut(proof, []byte("\n\n"))
	for what, note := range map[string][]byte{
		"as it was signed":         proof,
		"with an unknown cosigner": append(bytes.Clone(proof), unknown.cosign(string(body)+"\n", 1)...),
	} {
		for claim, c := range claims {
			base := serve(t, liar(c.status, c.answer, note))
			trail := o.another(audit.WithSigner(o.key), audit.WithWitness(audit.Witness{
				URL: base, Key: o.witness.VerifierKey(), Newest: base + "newest",
			}))
			_, err := o.trail.Checkpoint(t.Context())
			require.NoError(t, err)
			_, err = trail.Sequence(t.Context())
			back, ok := errors.AsType[*audit.RolledBackError](err)
			require.True(t, ok, "%s, %s: %v", what, claim, err)
			assert.Equal(t, audit.RolledBackError{Origin: origin, Known: 31, Have: 21}, *back)
		}
	}
}

// A store that lost everything lags behind what is known outside like any other.
func TestSequence_RefusesAnEmptyStoreWhereASinkKnowsTheLog(t *testing.T) {
	o := newObserved(t)
	o.fill(20, "acme")
	known := o.checkpoint()
	for what, sink := range map[string]audit.Option{
		"a sink": audit.WithSink(&notes{latest: known}), "a witness": o.with(),
	} {
		empty := newWorld(t, audit.WithSigner(o.key), audit.WithVerifiers(withWitness(t, audit.Verifiers{}, o.witness.VerifierKey())), sink)
		empty.record(empty.as(kim), touch("acme", "17"))
		for _, call := range []func() error{
			func() error { _, err := empty.trail.Sequence(t.Context()); return err },
			func() error { _, err := empty.trail.Checkpoint(t.Context()); return err },
			func() error { return empty.trail.Run(t.Context()) },
		} {
			err := call()
			back, ok := errors.AsType[*audit.RolledBackError](err)
			require.True(t, ok, "%s: %v", what, err)
			assert.Equal(t, audit.RolledBackError{Origin: origin, Known: 21}, *back)
		}
		heads, err := empty.store.Heads(t.Context())
		require.NoError(t, err)
		require.Empty(t, heads, "no log was opened under that name")
	}
}

// A process that moved the log, and under which the database is emptied.
func TestSequence_RefusesAStoreThatLostTheLogThatItMoved(t *testing.T) {
	w := newLog(t)
	w.fill(20, "acme")
	empty := newWorld(t)
	swap := &swapped{Backend: w.store, tx: w.store.Transactor()}
	trail, err := audit.New(t.Context(), swap, w.keys, w.sealer, audit.WithSigner(w.signer))
	require.NoError(t, err)
	_, err = trail.Checkpoint(t.Context())
	require.NoError(t, err)
	swap.Backend = empty.store
	empty.record(empty.as(kim), touch("acme", "17"))
	_, err = trail.Sequence(t.Context())
	_, ok := errors.AsType[*audit.RolledBackError](err)
	require.True(t, ok, "%v", err)
}

// The copy that was put back is from before the log went on under another name:
// it must not go on under that name a second time.
func TestContinue_RefusesANameThatASinkKnows(t *testing.T) {
	old, known := outdated(t)
	next := newKeyOf(t, newOrigin)
	keys := verifiersOf(t, old.signer.VerifierKey())
	went := old.restored()
	trail := went.on(went.store, audit.WithSigner(next), audit.WithVerifiers(keys))
	require.NoError(t, trail.Continue(t.Context(), known))
	seen := went.sign(trail)

	for what, latest := range map[string][]byte{"of the new log": seen, "of the old one": known} {
		again := old.restored()
		trail := again.on(again.store, audit.WithSigner(next), audit.WithVerifiers(keys), audit.WithSink(&notes{latest: latest}))
		err := trail.Continue(t.Context(), known)
		if what == "of the old one" {
			require.NoError(t, err)
			continue
		}
		back, ok := errors.AsType[*audit.RolledBackError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, audit.RolledBackError{Origin: newOrigin, Known: 1}, *back)
		heads, err := again.store.Heads(t.Context())
		require.NoError(t, err)
		require.Len(t, heads, 1)
	}
}
