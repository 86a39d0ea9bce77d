package kit_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/kit"
)

// signerOf is a key that is made of one byte.
func signerOf(t *testing.T, origin string, seed byte) audit.SigningKey {
	t.Helper()
	k, err := audit.NewSigningKey(origin, [32]byte(slices.Repeat([]byte{seed}, 32)))
	require.NoError(t, err)
	return k
}

const origin = "shop.example/audit"

// signing is a host whose kit keeps the log.
func (d database) signing(t *testing.T, seed byte, sinks ...audit.Sink) host {
	t.Helper()
	db := d.connect(t)
	c := d.config(db)
	c.Secrets.Signer, c.Sinks = signerOf(t, origin, seed), sinks
	k, err := kit.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
	return host{k, db}
}

// reading is a host with the verifier keys of another and no signer.
func (d database) reading(t *testing.T, v audit.Verifiers) host {
	t.Helper()
	db := d.connect(t)
	c := d.config(db)
	c.Secrets.Verifiers = v
	k, err := kit.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
	return host{k, db}
}

// record says something on the trail and returns its id.
func (h host) record(t *testing.T) troth.EntryID {
	t.Helper()
	id, err := h.Trail.Record(asService(t), troth.Entry{Act: shipped, Tenant: tenant, SubjectID: "c-1"})
	require.NoError(t, err)
	return id
}

// verified verifies the whole log and returns what was found of it.
func (h host) verified(t *testing.T) audit.LogReport {
	t.Helper()
	report, err := h.Trail.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	require.Len(t, report.Logs, 1)
	return report.Logs[0]
}

func TestClose_SequencesAndSignsWhatIsLeft(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		file := filepath.Join(t.TempDir(), "checkpoint")
		h := d.signing(t, 1, audit.FileSink(file))
		sealed := h.seal(asService(t), t, "c-1")
		h.requireOpens(asService(t), t, "c-1", sealed) // leaves a window that Close tells of
		h.record(t)
		require.NoError(t, h.Close(asService(t)))

		next := d.reading(t, h.Verifiers())
		log := next.verified(t)
		require.Equal(t, origin, log.Origin)
		require.Equal(t, log.Size, log.Signed)
		for r, err := range next.Trail.Entries(t.Context(), tenant, audit.Query{}) {
			require.NoError(t, err)
			require.False(t, r.Pending, r.Act)
		}
		require.Equal(t, 1, next.count(t, "vault.window-close"))

		note, err := os.ReadFile(file)
		require.NoError(t, err)
		kept, _, err := audit.OpenCheckpoint(note, h.Verifiers())
		require.NoError(t, err)
		require.Equal(t, log.Size, kept.Size)
	})
}

var errSink = errors.New("no space left")

// fullSink takes nothing.
type fullSink struct{}

func (fullSink) Put(context.Context, []byte) error      { return errSink }
func (fullSink) Latest(context.Context) ([]byte, error) { return nil, nil }

func TestClose_TellsOnceThatASinkFailed(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.signing(t, 1, fullSink{})
		err := h.Close(t.Context())
		require.ErrorIs(t, err, errSink)
		failed, ok := errors.AsType[*audit.SinkError](err)
		require.True(t, ok)
		require.Equal(t, 1, failed.Failed)
		require.NoError(t, h.Close(t.Context()))
		require.NotZero(t, d.reading(t, h.Verifiers()).verified(t).Signed, "it was kept in the store")
	})
}

func TestRun_MovesEntriesIntoTheLog(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.signing(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		id := h.record(t)
		at, err := d.reading(t, h.Verifiers()).Trail.Await(t.Context(), tenant, id)
		require.NoError(t, err)
		require.EqualValues(t, 1, at.Number)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Empty(t, ours())
		require.Equal(t, h.verified(t).Size, h.verified(t).Signed, "the end was signed")
	})
}

// TestRun_ProgramsShareOneLog runs several at once: whoever records, whoever
// sequences, there is one log without gaps.
func TestRun_ProgramsShareOneLog(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		const each = 20
		hosts := []host{d.signing(t, 1), d.signing(t, 1), d.signing(t, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		var runs, writers sync.WaitGroup
		for _, h := range hosts {
			runs.Go(func() { assert.ErrorIs(t, h.Run(ctx), context.Canceled) })
			writers.Go(func() {
				for range each {
					_, err := h.Trail.Record(asService(t), troth.Entry{Act: shipped, Tenant: tenant, SubjectID: "c-1"})
					assert.NoError(t, err)
				}
			})
		}
		writers.Wait()
		cancel()
		runs.Wait()
		for _, h := range hosts {
			require.NoError(t, h.Close(t.Context()))
		}
		next := d.reading(t, hosts[0].Verifiers())
		next.verified(t)
		n := uint64(0)
		for r, err := range next.Trail.Entries(t.Context(), tenant, audit.Query{Sequenced: true}) {
			require.NoError(t, err)
			n++
			require.Equal(t, n, r.Number)
		}
		require.EqualValues(t, each*len(hosts), n)
	})
}

// TestRun_EndsWhereTheLogIsAnothers: the trail ends with an error, and the vault
// with it.
func TestRun_EndsWhereTheLogIsAnothers(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		require.NoError(t, d.signing(t, 1).Close(t.Context()))

		c := d.config(d.connect(t))
		c.Secrets.Signer = signerOf(t, origin, 2)
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, k.Run(ctx), audit.ErrSigner)
		require.NoError(t, ctx.Err())
		require.Empty(t, ours())
		require.ErrorIs(t, k.Close(t.Context()), audit.ErrSigner)
		require.NoError(t, k.Close(t.Context()), "it was told once")
	})
}

func TestOpen_WithoutASignerOnlyRecords(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		h.record(t)
		_, err := h.Trail.Sequence(t.Context())
		require.ErrorIs(t, err, audit.ErrNoSigner)
		require.Empty(t, h.Verifiers().String())
		require.NoError(t, h.Close(t.Context()))

		next := d.signing(t, 1)
		require.NoError(t, next.Close(t.Context()), "who has the signer moves what others recorded")
		last := d.reading(t, next.Verifiers())
		require.Equal(t, 1, last.count(t, shipped.Name))
		for r, err := range last.Trail.Entries(t.Context(), tenant, audit.Query{}) {
			require.NoError(t, err)
			require.False(t, r.Pending, r.Act)
		}
	})
}

func TestOpen_TakesTheOriginOfTheHostsChoice(t *testing.T) {
	dir := t.TempDir()
	secrets, err := kit.LocalSecrets(dir, "a passphrase")
	require.NoError(t, err)
	d := sqlite(t)
	c := d.config(d.connect(t))
	c.Secrets, c.Origin = secrets, origin
	k, err := kit.Open(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, k.Close(t.Context()))
	require.Contains(t, k.Verifiers().String(), origin+"+")
	require.NotEqual(t, k.Verifiers().String(), secrets.Signer.VerifierKey()+"\n")

	// Without it the next start is of another log, and says so.
	c.Origin = ""
	k, err = kit.Open(t.Context(), c)
	require.NoError(t, err)
	require.ErrorIs(t, k.Close(t.Context()), audit.ErrSigner)

	for name, break_ := range map[string]func(c *kit.Config){
		"is not the name":  func(c *kit.Config) { c.Secrets.Signer = signerOf(t, "other.example/audit", 1) },
		"has no signer":    func(c *kit.Config) { c.Secrets.Signer = nil },
		"audit: not a key": func(c *kit.Config) { c.Origin = "two words" },
	} {
		broken := c
		broken.Origin = origin
		break_(&broken)
		k, err := kit.Open(t.Context(), broken)
		require.Nil(t, k)
		require.ErrorContains(t, err, name)
	}
}

// TestOpen_BelievesKeysOfBefore rotates the key: the old one still verifies.
func TestOpen_BelievesKeysOfBefore(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		old, next := signerOf(t, origin, 1), signerOf(t, origin, 2)
		require.NoError(t, d.signing(t, 1).Close(t.Context()))
		c := d.config(d.connect(t))
		c.Secrets.Signer = next
		var err error
		c.Secrets.Verifiers, err = audit.Verifiers{}.With(old.VerifierKey())
		require.NoError(t, err)
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		_, err = k.Trail.Rotate(t.Context(), old)
		require.NoError(t, err)
		require.NoError(t, k.Close(t.Context()))
		require.Equal(t, old.VerifierKey()+"\n"+next.VerifierKey()+"\n", k.Verifiers().String())
		log := d.reading(t, k.Verifiers()).verified(t)
		require.Equal(t, log.Size, log.Signed)
	})
}

// TestOpen_HasWitnessesCosign: what a witness says stands in every proof, so its
// key is among those that are given away.
func TestOpen_HasWitnessesCosign(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		c.Secrets.Signer = signerOf(t, origin, 1)
		witness := audittest.NewWitness(t, "witness.example/w1", c.Secrets.Signer.VerifierKey())
		server := httptest.NewServer(witness)
		defer server.Close()
		c.Witnesses = []audit.Witness{{URL: server.URL, Key: witness.VerifierKey()}}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		id := host{Kit: k}.record(t)
		_, err = k.Trail.Await(t.Context(), tenant, id)
		require.NoError(t, err)
		_, err = k.Trail.Checkpoint(t.Context())
		require.NoError(t, err)
		proof, err := k.Trail.Prove(t.Context(), tenant, id)
		require.NoError(t, err)
		proven, err := audit.VerifyProof(proof, k.Verifiers())
		require.NoError(t, err)
		require.Len(t, proven.Signatures, 2)
		require.True(t, proven.Signatures[1].Witness)
		require.NoError(t, k.Close(t.Context()))
	})

	d := sqlite(t)
	c := d.config(d.connect(t))
	c.Witnesses = []audit.Witness{{URL: "https://witness.example", Key: "nonsense"}}
	_, err := kit.Open(t.Context(), c)
	require.ErrorIs(t, err, audit.ErrKey)
}
