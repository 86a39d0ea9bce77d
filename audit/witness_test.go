package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

// observed is a log with a witness, over loopback.
type observed struct {
	*world
	key     audit.SigningKey
	witness *audittest.Witness
	url     string
	asked   *atomic.Int64
}

func newObserved(t *testing.T) *observed {
	t.Helper()
	key := fixedKey(t, origin, 5)
	o := &observed{key: key, witness: audittest.NewWitness(t, "witness.example/w", key.VerifierKey(), fixedKey(t, origin+"-2", 6).VerifierKey()), asked: new(atomic.Int64)}
	o.url = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked.Add(1)
		o.witness.ServeHTTP(w, r)
	}))
	o.world = newWorld(t, audit.WithSigner(key), o.with())
	o.signer = key
	return o
}

func serve(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/prefix/"
}

func (o *observed) with() audit.Option {
	return audit.WithWitness(audit.Witness{URL: o.url, Key: o.witness.VerifierKey(), Newest: o.newest()})
}

// newest is where the witness shows what it cosigned.
func (o *observed) newest() string { return o.url + "newest?origin=" + url.QueryEscape(origin) }

// verifiers are those of somebody who knows the witness.
func (o *observed) verifiers() audit.Verifiers {
	return withWitness(o, o.world.verifiers(), o.witness.VerifierKey())
}

func (w *world) checkpoint() []byte {
	w.Helper()
	note, err := w.trail.Checkpoint(w.Context())
	require.NoError(w, err)
	return note
}

// cosigners are the witnesses of a checkpoint.
func cosigners(t testing.TB, note []byte, v audit.Verifiers) (names []string) {
	t.Helper()
	_, sigs, err := audit.OpenCheckpoint(note, v)
	require.NoError(t, err)
	for _, s := range sigs {
		if s.Witness {
			names = append(names, s.Name)
		}
	}
	return names
}

func TestWithWitness_CosignaturesStandInWhatIsProved(t *testing.T) {
	o := newObserved(t)
	v := o.verifiers()
	for range 3 {
		ids := o.fill(300, "acme")
		note := o.checkpoint()
		require.Equal(t, []string{"witness.example/w"}, cosigners(t, note, v))
		proof, err := o.trail.Prove(t.Context(), "acme", ids[17])
		require.NoError(t, err)
		got, err := audit.VerifyProof(proof, v)
		require.NoError(t, err)
		require.Len(t, got.Signatures, 2)
		require.True(t, got.Signatures[1].Witness)
		require.WithinDuration(t, time.Now(), got.Signatures[1].At, time.Minute)
		latest, err := o.trail.Latest(t.Context())
		require.NoError(t, err)
		require.Equal(t, string(note), string(latest))

		// Who does not know the witness is told whose key is missing.
		_, err = audit.VerifyProof(proof, o.world.verifiers())
		require.ErrorIs(t, err, audit.ErrUnknownKey)
		which, ok := errors.AsType[*audit.KeyError](err)
		require.True(t, ok)
		require.Equal(t, "witness.example/w", which.Name)
	}
	require.Equal(t, uint64(901), o.witness.Size(origin))
	p, _, err := proven(o.export("acme"), v)
	require.NoError(t, err)
	require.Len(t, p.Signatures, 2)
	o.verify()
	require.Equal(t, int64(1+3+1), o.asked.Load(), "at the beginning, once for each checkpoint, and by Verify")
}

func TestWithWitness_IsAskedAgainForTheSameSize(t *testing.T) {
	o := newObserved(t)
	o.fill(3, "acme")
	first := o.checkpoint()
	require.Equal(t, string(first), string(o.checkpoint()), "of the same instant")
	o.tick()
	require.NotEqual(t, string(first), string(o.checkpoint()))
	require.Len(t, cosigners(t, o.checkpoint(), o.verifiers()), 1)
}

// A process that begins does not know what the witness has seen.
func TestWithWitness_FindsOutWhatTheWitnessKnows(t *testing.T) {
	o := newObserved(t)
	for i := range 4 {
		o.trail = o.another(audit.WithSigner(o.key), o.with())
		o.fill(100+i, "acme")
		require.Len(t, cosigners(t, o.checkpoint(), o.verifiers()), 1)
	}
	before := o.asked.Load()
	o.fill(1, "acme")
	o.checkpoint()
	require.Equal(t, before+1, o.asked.Load(), "it knows now")
}

func TestWithWitness_TwoOfThem(t *testing.T) {
	o := newObserved(t)
	second := audittest.NewWitness(t, "other.example/w", o.key.VerifierKey())
	o.trail = o.another(audit.WithSigner(o.key), o.with(),
		audit.WithWitness(audit.Witness{URL: serve(t, second), Key: second.VerifierKey(), Client: new(http.Client)}))
	v := withWitness(t, o.verifiers(), second.VerifierKey())
	for range 5 {
		o.fill(10, "acme")
		require.ElementsMatch(t, []string{"witness.example/w", "other.example/w"}, cosigners(t, o.checkpoint(), v))
	}
	require.Equal(t, uint64(51), second.Size(origin))
}

// What a witness does wrong leaves the checkpoint as it is, and the next one is
// tried again.
func TestWithWitness_ThatIsOfNoUse(t *testing.T) {
	o := newObserved(t)
	forger := newFixedWitness("witness.example/w", 7)
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	elsewhere := cosignedBy(t, o)
	// Every size that is claimed below is one that the log has.
	o.record(o.as(kim), touch("acme", "17"))
	_, err := o.trail.Sequence(t.Context())
	require.NoError(t, err)
	old := o.checkpoint()
	oldLine := strings.SplitAfter(string(old), "\n")[len(strings.SplitAfter(string(old), "\n"))-2]
	for what, h := range map[string]http.HandlerFunc{
		"nothing":               answer(200, ""),
		"noise":                 answer(200, strings.Repeat("x", 1<<20)),
		"the line of another":   answer(200, oldLine),
		"by another key":        answer(200, string(forger.cosign("x\n", 1))),
		"an error":              answer(500, "secret"),
		"that it knows no log":  answer(404, ""),
		"that the key is wrong": answer(403, ""),
		"a size that is none":   answer(409, "-1\n"),
		"no size":               answer(409, ""),
		"always an older size":  answer(409, "0\n"),
		"in circles":            turning("1\n", "2\n"),
		"by sending elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		},
		"by hanging up":            func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"with a body that breaks":  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100") },
		"with a body without end":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, &endless{text: "— "}) },
		"something of its own key": answer(200, elsewhere),
	} {
		o.tick()
		key := o.witness.VerifierKey()
		trail := o.another(audit.WithSigner(o.key), audit.WithWitness(audit.Witness{URL: serve(t, h), Key: key}))
		_, err := o.trail.Record(o.as(kim), touch("acme", "17"))
		require.NoError(t, err)
		n, err := trail.Sequence(t.Context())
		require.NoError(t, err, what)
		require.NotZero(t, n, "it is no reason not to move the log")
		note, err := trail.Checkpoint(t.Context())
		failed, ok := errors.AsType[*audit.SinkError](err)
		require.True(t, ok, "%s: %v", what, err)
		require.Equal(t, 1, failed.Failed)
		_, back := errors.AsType[*audit.RolledBackError](err)
		require.False(t, back, "%s: %v", what, err)
		require.NotContains(t, err.Error(), "secret")
		require.Empty(t, cosigners(t, note, o.verifiers()), what)
		latest, err := trail.Latest(t.Context())
		require.NoError(t, err)
		require.Equal(t, string(note), string(latest))
	}
	require.Len(t, cosigners(t, o.checkpoint(), o.verifiers()), 1, "the honest one")
}

// turning answers with one size after the other, for ever.
func turning(sizes ...string) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, sizes[int(n.Add(1))%len(sizes)])
	}
}

// cosignedBy has the witness sign another checkpoint of the log.
func cosignedBy(t *testing.T, o *observed) string {
	t.Helper()
	other := fixedCheckpoint(1)
	other.Origin = origin + "-2"
	rec := httptest.NewRecorder()
	body := audit.Consistency{Checkpoint: signed(t, other, fixedKey(t, other.Origin, 6))}.Marshal()
	o.witness.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/add-checkpoint", bytes.NewReader(body)))
	require.Equal(t, http.StatusOK, rec.Code)
	return rec.Body.String()
}

// An older copy of the store, under the same key, is shown by what the witness
// has seen: one that is smaller, as large, and larger but another.
func TestWithWitness_ShowsThatAnOlderCopyWasPutBack(t *testing.T) {
	o := newObserved(t)
	o.fill(20, "acme")
	o.checkpoint()
	for _, n := range []int{5, 20, 30} {
		copied := newWorld(t, audit.WithSigner(o.key))
		copied.fill(n, "acme")
		copied.checkpoint()
		copied.trail = copied.another(audit.WithSigner(o.key), o.with())
		_, err := copied.trail.Checkpoint(t.Context())
		back, ok := errors.AsType[*audit.RolledBackError](err)
		require.True(t, ok, "%d: %v", n, err)
		assert.Equal(t, audit.RolledBackError{Origin: origin, Known: 21, Have: uint64(n) + 1}, *back)

		// A process that begins on it moves nothing.
		copied.trail = copied.another(audit.WithSigner(o.key), o.with())
		copied.record(copied.as(kim), touch("acme", "17"))
		for what, f := range map[string]func(context.Context) error{
			"Sequence": func(ctx context.Context) error { _, err := copied.trail.Sequence(ctx); return err },
			"Run":      copied.trail.Run,
			"Verify": func(ctx context.Context) error {
				_, err := copied.trail.Verify(ctx, audit.VerifyParams{})
				return err
			},
		} {
			_, ok = errors.AsType[*audit.RolledBackError](f(t.Context()))
			assert.True(t, ok, what)
		}
		waits, err := copied.trail.Backlog(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, waits.Count)
	}
	require.Equal(t, uint64(21), o.witness.Size(origin))

	// The log goes on under another name, which the witness is told of.
	copied := newWorld(t, audit.WithSigner(o.key))
	copied.fill(5, "acme")
	next := fixedKey(t, origin+"-2", 6)
	fresh := audittest.NewWitness(t, "witness.example/w", next.VerifierKey())
	copied.trail = copied.another(audit.WithSigner(next), audit.WithVerifiers(verifiersOf(t, o.key.VerifierKey())),
		audit.WithWitness(audit.Witness{URL: serve(t, fresh), Key: fresh.VerifierKey()}))
	require.NoError(t, copied.trail.Continue(t.Context(), nil))
	copied.fill(3, "acme")
	v := withWitness(t, verifiersOf(t, next.VerifierKey()), fresh.VerifierKey())
	require.Len(t, cosigners(t, copied.checkpoint(), v), 1)
}

// Of two processes one has signed a later checkpoint, which the witness has: the
// earlier one cannot be cosigned any more, and need not be.
func TestWithWitness_ALaterCheckpointIsAsGood(t *testing.T) {
	o := newObserved(t)
	o.fill(5, "acme")
	o.checkpoint()
	var asked atomic.Int64
	rival := o.another(audit.WithSigner(o.key), o.with())
	_, err := rival.Sequence(t.Context()) // it has asked the witness
	require.NoError(t, err)
	overtaken := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 3 { // two are to begin with
			_, err := rival.Record(o.as(kim), touch("acme", "18"))
			assert.NoError(t, err)
			_, err = rival.Sequence(t.Context())
			assert.NoError(t, err)
			_, err = rival.Checkpoint(t.Context())
			assert.NoError(t, err)
		}
		o.witness.ServeHTTP(w, r)
	}))
	o.tick()
	late := audit.WithWitness(audit.Witness{URL: overtaken, Key: o.witness.VerifierKey()})
	o.trail = o.another(audit.WithSigner(o.key), late)
	note := o.checkpoint()
	require.Empty(t, cosigners(t, note, o.verifiers()))
	latest, err := o.trail.Latest(t.Context())
	require.NoError(t, err)
	require.Len(t, cosigners(t, latest, o.verifiers()), 1)
}

// forgetful is a store that fails to keep the nth checkpoint.
type forgetful struct {
	audit.Backend
	n int
}

func (s *forgetful) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	if s.n--; s.n == 0 {
		return errSecret
	}
	return s.Backend.PutCheckpoint(ctx, c)
}

// The cosignature that could not be kept is asked for with the next checkpoint.
func TestWithWitness_WhenTheStoreFails(t *testing.T) {
	o := newObserved(t)
	o.fill(5, "acme")
	trail, err := audit.New(t.Context(), &forgetful{o.store, 2}, o.keys, o.sealer, audit.WithSigner(o.key), o.with())
	require.NoError(t, err)
	note, err := trail.Checkpoint(t.Context())
	_, ok := errors.AsType[*audit.SinkError](err)
	require.True(t, ok, "%v", err)
	require.ErrorIs(t, err, errSecret)
	require.Empty(t, cosigners(t, note, o.verifiers()))
	note, err = trail.Checkpoint(t.Context())
	require.NoError(t, err)
	require.Len(t, cosigners(t, note, o.verifiers()), 1)
}

// hanging is a connection on which nothing ever comes.
type hanging struct{ asked atomic.Int64 }

func (h *hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked.Add(1)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestWithWitness_ThatHangsHoldsUpNothingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := fixedKey(t, origin, 5)
		h := &hanging{}
		w := newWorld(t, audit.WithSigner(key), audit.WithWitness(audit.Witness{
			URL: "https://witness.example", Key: newFixedWitness("witness.example/w", 7).vkey(), Client: &http.Client{Transport: h},
		}))
		w.signer = key
		w.fill(3, "acme")
		begin := time.Now()
		note, err := w.trail.Checkpoint(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(begin), 10*time.Second)
		require.NotEmpty(t, note)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		run := make(chan error, 1)
		other := w.another(audit.WithSigner(key), audit.WithCheckpoints(time.Second, time.Second), audit.WithWitness(audit.Witness{
			URL: "https://witness.example", Key: newFixedWitness("witness.example/w", 7).vkey(), Client: &http.Client{Transport: h},
		}))
		go func() { run <- other.Run(ctx) }()
		id := w.record(w.as(kim), touch("acme", "17"))
		_, err = other.Await(ctx, "acme", id)
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(begin), 20*time.Second)
		cancel()
		require.ErrorIs(t, <-run, context.Canceled)
	})
}

func TestWithWitness_RefusesWhatIsNone(t *testing.T) {
	key := newFixedWitness("witness.example/w", 7).vkey()
	log := fixedKey(t, origin, 5)
	for _, w := range []audit.Witness{
		{URL: "https://witness.example"},
		{URL: "https://witness.example", Key: log.VerifierKey()},
		{Key: key},
		{URL: "witness.example", Key: key},
		{URL: "ftp://witness.example", Key: key},
		{URL: "https://", Key: key},
		{URL: "https://a b", Key: key},
		{URL: "https://witness.example", Key: key, Newest: "witness.example/newest"},
	} {
		world := newWorld(t)
		_, err := audit.New(t.Context(), world.store, world.keys, world.sealer, audit.WithWitness(w))
		require.Error(t, err, fmt.Sprint(w.URL))
	}
}
