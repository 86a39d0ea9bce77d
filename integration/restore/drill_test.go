package restore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// drill goes through docs/restore.md on one database.
type drill struct {
	*testing.T
	way
	wiring
	site *site
	// journalPath is of the journal's file.
	journalPath string
	// values are sealed values, kept where no disaster reaches them.
	values map[troth.Context][]byte
}

func newDrill(t *testing.T, w way) *drill {
	t.Helper()
	return newDrillWith(t, w, &vaulttest.EpochStore{Declared: vault.EpochPlace{Name: "elsewhere", Apart: true}})
}

// newPlainDrill is of a site that other programs can open, which reach no
// EpochStore in memory.
func newPlainDrill(t *testing.T, w way) *drill {
	t.Helper()
	return newDrillWith(t, w, nil)
}

func newDrillWith(t *testing.T, w way, epochs vault.EpochStore) *drill {
	t.Helper()
	d := &drill{T: t, way: w, values: map[troth.Context][]byte{}}
	d.epochs = epochs
	d.where = w.fresh(t)
	d.step(1, "keep a journal outside the database", func() {
		d.journalPath = filepath.Join(t.TempDir(), "journal")
		require.NoError(t, vault.CreateJournalFile(d.journalPath))
		d.journal = d.openJournal()
		key, err := audit.GenerateSigningKey("shop.example/trail")
		require.NoError(t, err)
		d.signer = key
		d.site = d.mustOpen(t)
		without := d.wiring
		without.journal = nil
		d.seal(shop, "first", profile)
		d.shred(vault.Target{Tenant: shop, SubjectID: "first"})
		_, err = without.open(t.Context())
		require.ErrorIs(t, err, vault.ErrNoJournal)
	})
	return d
}

// step is one of the runbook's, under its number.
func (d *drill) step(n int, what string, do func()) {
	d.Helper()
	d.Logf("step %d: %s", n, what)
	do()
}

func (d *drill) openJournal() *vault.JournalFile {
	d.Helper()
	j, err := vault.OpenJournalFile(d.journalPath)
	require.NoError(d, err)
	d.Cleanup(func() { _ = j.Close() })
	return j
}

func (d *drill) seal(tenant troth.Tenant, subject string, c troth.Compartment) troth.Context {
	d.Helper()
	at := emailOf(tenant, subject, c)
	sealed, err := d.site.vault.AppendSeal(service(d.Context()), nil, at, []byte("data of "+subject))
	require.NoError(d, err)
	d.values[at] = sealed
	return at
}

func (d *drill) shred(target vault.Target) vault.Receipt {
	d.Helper()
	r, err := d.site.vault.Shred(service(d.Context()), erasure, target)
	require.NoError(d, err)
	return r
}

func (d *drill) lives(at ...troth.Context) {
	d.Helper()
	for _, at := range at {
		plain, err := d.site.vault.AppendOpen(service(d.Context()), nil, at, purpose, d.values[at])
		require.NoError(d, err, "%s %s", at.Subject.ID, at.Compartment)
		require.Equal(d, "data of "+at.Subject.ID, string(plain))
	}
}

func (d *drill) refuses(why error, at ...troth.Context) {
	d.Helper()
	for _, at := range at {
		plain, err := d.site.vault.AppendOpen(service(d.Context()), nil, at, purpose, d.values[at])
		require.ErrorIs(d, err, why, "%s %s", at.Subject.ID, at.Compartment)
		require.Nil(d, plain)
		_, err = d.site.vault.AppendSeal(service(d.Context()), nil, at, []byte("again"))
		require.ErrorIs(d, err, why, "%s %s", at.Subject.ID, at.Compartment)
	}
}

func (d *drill) backUpKeys() []byte {
	d.Helper()
	var b bytes.Buffer
	_, err := d.site.vault.BackupKeys(service(d.Context()), &b)
	require.NoError(d, err)
	_, err = d.site.vault.VerifyKeyBackup(service(d.Context()), bytes.NewReader(b.Bytes()))
	require.NoError(d, err)
	return b.Bytes()
}

// TestRestore_ByTheBook goes through all steps that come after each other. At t0
// the data is backed up, at t1 the keys; people come and are erased before t0,
// between the two, and after.
func TestRestore_ByTheBook(t *testing.T) {
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			d := newDrill(t, w)
			// Of every other one all that is in the data's backup, the platform's
			// root too, lies under epochs that are destroyed when it is restored.
			early := i%2 == 1
			if early {
				d.rotate()
			}
			sink := filepath.Join(t.TempDir(), "checkpoint")
			d.site = d.restarted(func(w *wiring) { w.sink = audit.FileSink(sink) })

			stays, oldDead := d.seal(shop, "stays", profile), d.seal(shop, "old-dead", profile)
			d.shred(vault.Target{Tenant: shop, SubjectID: "old-dead"})
			dies, diesOrders := d.seal(shop, "dies", profile), d.seal(shop, "dies", orders)
			part, partOrders := d.seal(shop, "part", profile), d.seal(shop, "part", orders)
			miller, late := d.seal(mill, "miller", profile), d.seal(shop, "late", profile)
			require.NoError(t, d.site.vault.PumpJournal(t.Context()))
			d.sign()

			var restore func(t *testing.T) place
			d.step(2, "back up the data", func() { restore = d.backUp(t, d.where) })

			between := d.seal(shop, "between", profile)
			betweenDead := d.seal(shop, "between-dead", profile)
			staysOrders := d.seal(shop, "stays", orders)
			d.shred(vault.Target{Tenant: shop, SubjectID: "dies", Except: []troth.Compartment{orders}})
			d.shred(vault.Target{Tenant: shop, SubjectID: "between-dead"})
			// The keys move to another epoch, and that of the data's backup ends.
			d.rotate()
			var keys []byte
			d.step(3, "back up the keys, and open the backup", func() {
				retired, err := d.site.vault.Retire(service(t.Context()))
				require.ErrorIs(t, err, vault.ErrNoKeyBackup)
				require.NotEmpty(t, retired.Waiting)
				waiting := retired.Waiting
				keys = d.backUpKeys()
				retired, err = d.site.vault.Retire(service(t.Context()))
				require.NoError(t, err)
				require.Equal(t, waiting, retired.Destroyed)
			})

			afterDead := d.seal(shop, "after-dead", profile)
			d.shred(vault.Target{Tenant: shop, SubjectID: "after-dead"})
			d.shred(vault.Target{Tenant: shop, SubjectID: "late"})
			d.shred(vault.Target{Tenant: shop, SubjectID: "part", Compartments: []troth.Compartment{profile}})
			r := d.shred(vault.Target{Tenant: mill, WholeTenant: true})
			d.step(4, "watch what waits for the journal", func() {
				s, err := d.site.vault.JournalStatus(t.Context())
				require.NoError(t, err)
				require.EqualValues(t, 6, s.Waiting)
				_, acknowledged, err := d.site.vault.Journalled(t.Context(), r)
				require.NoError(t, err)
				require.False(t, acknowledged)
				require.NoError(t, d.site.vault.Sweep(t.Context()))
				_, acknowledged, err = d.site.vault.Journalled(t.Context(), r)
				require.NoError(t, err)
				require.True(t, acknowledged)
			})
			checkpoint := d.sign()

			alive := []troth.Context{stays, staysOrders, diesOrders, partOrders, between}
			dead := []troth.Context{oldDead, dies, part, miller, late, betweenDead, afterDead}
			d.lives(alive...)
			d.refuses(vault.ErrShredded, dead...)

			d.step(5, "stop every program", func() { require.NoError(t, d.site.close()) })
			d.step(6, "restore the data", func() { d.where = restore(t) })
			d.step(7, "open, which refuses", func() {
				_, err := d.open(t.Context())
				if early {
					require.ErrorIs(t, err, vault.ErrEpochDestroyed)
					return
				}
				ahead, ok := errors.AsType[*vault.JournalAheadError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, 6, ahead.Missing)
			})
			d.step(8, "open for the replay", func() {
				if early {
					_, err := d.open(t.Context(), vault.ForReplay())
					require.ErrorIs(t, err, vault.ErrEpochDestroyed, "the trail cannot begin")
					d.platform = keys
				}
				d.site = d.mustOpen(t, vault.ForReplay())
				d.refuses(vault.ErrJournalAhead, append(slices.Clone(alive), dead...)...)
			})
			d.step(9, "put the newest keys in", func() {
				done, err := d.site.vault.RestoreKeys(service(t.Context()), bytes.NewReader(keys))
				require.NoError(t, err)
				require.Positive(t, done.Added)
				require.Positive(t, done.Died)
				require.Positive(t, d.site.acts(t, troth.Platform)["vault.restore-keys"])
				d.platform = nil
				d.refuses(vault.ErrJournalAhead, append(slices.Clone(alive), dead...)...)
			})
			d.step(10, "erase again", func() {
				done, err := d.site.vault.Replay(service(t.Context()))
				require.NoError(t, err)
				// The keys of t1 know of dies and between-dead; of mill-9, late and
				// part the journal alone does; after-dead nobody here has heard of.
				done.Keys = 0 // as many more as mill-9 had roots
				require.Equal(t, vault.Replayed{Lines: 8, Missing: 6, People: 2, Tenants: 1}, done)
				d.lives(alive...)
				d.refuses(vault.ErrShredded, dead...)
				require.Equal(t, 2, d.site.acts(t, shop)["vault.replay"])
				require.Equal(t, 1, d.site.acts(t, mill)["vault.replay"])
				require.Equal(t, 1, d.site.acts(t, troth.Platform)["vault.replayed"])
			})
			d.step(11, "continue the trail under a new origin", func() { d.continueTrail(checkpoint, sink) })
			d.step(12, "no new person gets an id that was erased", func() {
				_, err := d.site.vault.AppendSeal(service(t.Context()), nil, emailOf(shop, "after-dead", "newsletter"), []byte("somebody else"))
				require.ErrorIs(t, err, vault.ErrShredded)
				d.lives(d.seal(shop, "quite-new", profile))
			})
			d.step(13, "back up anew", func() {
				keys = d.backUpKeys()
				restore = d.backUp(t, d.where)
				require.NoError(t, d.site.close())
				d.where = restore(t)
			})
			d.step(14, "start the programs", func() {
				d.site = d.mustOpen(t)
				d.lives(alive...)
				d.refuses(vault.ErrShredded, dead...)
				_, err := d.site.vault.RestoreKeys(service(t.Context()), bytes.NewReader(keys))
				require.NoError(t, err)
				d.lives(alive...)
				d.refuses(vault.ErrShredded, dead...)
			})
		})
	}
}

// restarted closes the site and opens it with another wiring.
func (d *drill) restarted(change func(w *wiring), opts ...vault.Option) *site {
	d.Helper()
	require.NoError(d, d.site.close())
	change(&d.wiring)
	d.site = d.mustOpen(d.T, opts...)
	return d.site
}

func (d *drill) continueTrail(checkpoint []byte, sink string) {
	d.Helper()
	old, err := audit.Verifiers{}.With(d.signer.VerifierKey())
	require.NoError(d, err)
	_, err = d.site.trail.Sequence(d.Context())
	_, rolledBack := errors.AsType[*audit.RolledBackError](err)
	require.True(d, rolledBack, "the sink knows better: %v", err)
	next, err := audit.GenerateSigningKey("shop.example/trail-2")
	require.NoError(d, err)
	d.restarted(func(w *wiring) { w.signer, w.keys, w.sink = next, old, audit.FileSink(sink+"-2") })
	require.NoError(d, d.site.trail.Continue(d.Context(), checkpoint))
	d.sign()
}

// sign moves what was recorded into the log, and signs it.
func (d *drill) sign() []byte {
	d.Helper()
	_, err := d.site.trail.Sequence(d.Context())
	require.NoError(d, err)
	checkpoint, err := d.site.trail.Checkpoint(d.Context())
	require.NoError(d, err)
	return checkpoint
}

// rotate moves all keys to a new epoch.
func (d *drill) rotate() {
	d.Helper()
	_, err := d.site.vault.Advance(service(d.Context()))
	require.NoError(d, err)
	r, err := d.site.vault.Rewrap(service(d.Context()), vault.RewrapParams{})
	require.NoError(d, err)
	require.True(d, r.Done)
}

// TestRestore_EveryStepHasATest: a step that is added to the page must be tried.
func TestRestore_EveryStepHasATest(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "restore.md"))
	require.NoError(t, err)
	var steps []int
	for _, m := range regexp.MustCompile(`(?m)^(\d+)\. `).FindAllSubmatch(page, -1) {
		n, err := strconv.Atoi(string(m[1]))
		require.NoError(t, err)
		steps = append(steps, n)
	}
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	tried := map[int]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`d\.step\((\d+), `).FindAllSubmatch(source, -1) {
			n, err := strconv.Atoi(string(m[1]))
			require.NoError(t, err)
			tried[n] = true
		}
	}
	for i, n := range steps {
		require.Equal(t, i+1, n, "steps are numbered without a gap")
		require.True(t, tried[n], "no test does step %d", n)
	}
	require.Len(t, tried, len(steps))
}
