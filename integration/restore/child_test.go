package restore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/vault"
)

// childEnv makes the test binary another program, with the configuration that
// it holds.
const childEnv = "TROTH_TEST_RESTORE_CHILD"

// childConfig is what another program is told.
type childConfig struct {
	Where   place
	Journal string
	// Prefix and People are whom it erases.
	Prefix string
	People int
	// Die is when it kills itself, see dyingJournal; empty is not at all.
	Die string
}

func runChild(text string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	ctx := service(context.Background())
	j, err := vault.OpenJournalFile(c.Journal)
	if err != nil {
		return err
	}
	s, err := wiring{where: c.Where, journal: &dyingJournal{j, c.Die}}.open(ctx)
	if err != nil {
		return err
	}
	for i := range c.People {
		target := vault.Target{Tenant: shop, SubjectID: c.Prefix + strconv.Itoa(i)}
		if _, err := s.vault.Shred(ctx, erasure, target); err != nil {
			return err
		}
	}
	if c.Die == beforePump {
		die()
	}
	if err := s.vault.PumpJournal(ctx); err != nil {
		return err
	}
	return s.close()
}

const (
	beforePump   = "between commit and pump"
	beforeAppend = "before the append"
	afterAppend  = "between append and mark"
)

// dyingJournal kills the program on its way, as SIGKILL does.
type dyingJournal struct {
	*vault.JournalFile
	die string
}

func (j *dyingJournal) Append(ctx context.Context, lines [][]byte) error {
	if j.die == beforeAppend {
		die()
	}
	err := j.JournalFile.Append(ctx, lines)
	if j.die == afterAppend {
		die()
	}
	return err
}

func die() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		_ = p.Kill()
	}
	select {} // until it comes
}

// run runs the program to its end, and returns whether it was killed.
func (c childConfig) run(t *testing.T) (killed bool) {
	text, err := json.Marshal(c)
	if err != nil {
		t.Error(err)
		return false
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() != -1 {
		t.Errorf("%v: %s", err, out)
	}
	return err != nil
}

// TestJournal_AProgramThatIsKilledLosesNothing: wherever it dies, the next one
// opens, and each line gets into the journal once.
func TestJournal_AProgramThatIsKilledLosesNothing(t *testing.T) {
	sqltest.Programs(t)
	const people = 3
	for _, w := range []way{ways[0], ways[2]} {
		for _, at := range []string{beforePump, beforeAppend, afterAppend} {
			t.Run(w.name+" "+at, func(t *testing.T) {
				t.Parallel()
				d := newPlainDrill(t, w)
				require.NoError(t, d.site.vault.PumpJournal(t.Context()))
				c := childConfig{Where: d.where, Journal: d.journalPath, Prefix: "p", People: people, Die: at}
				require.True(t, c.run(t), "it was to be killed")
				d.restarted(func(*wiring) {})
				s, err := d.site.vault.JournalStatus(t.Context())
				require.NoError(t, err)
				require.EqualValues(t, people, s.Waiting)
				require.NoError(t, d.site.vault.PumpJournal(t.Context()))
				require.Equal(t, 1+people, d.lines())
				s, err = d.site.vault.JournalStatus(t.Context())
				require.NoError(t, err)
				require.Zero(t, s.Waiting)
				d.restarted(func(*wiring) {})
			})
		}
	}
}

func (d *drill) lines() (n int) {
	d.Helper()
	for _, err := range d.openJournal().Lines(d.Context(), 0) {
		require.NoError(d, err)
		n++
	}
	return n
}

// TestJournal_ManyProgramsShareOne on a machine, and one database.
func TestJournal_ManyProgramsShareOne(t *testing.T) {
	sqltest.Programs(t)
	const programs, people = 4, 10
	for _, w := range []way{ways[0], ways[2]} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			d := newPlainDrill(t, w)
			var wg sync.WaitGroup
			for i := range programs {
				c := childConfig{Where: d.where, Journal: d.journalPath, Prefix: fmt.Sprintf("p%d-", i), People: people}
				wg.Go(func() { c.run(t) })
			}
			wg.Wait()
			require.NoError(t, d.site.vault.PumpJournal(t.Context()))
			require.GreaterOrEqual(t, d.lines(), 1+programs*people, "a line may be there twice, and none is missing")
			s, err := d.site.vault.JournalStatus(t.Context())
			require.NoError(t, err)
			require.Zero(t, s.Waiting)
			d.restarted(func(*wiring) {})
		})
	}
}

// TestJournal_TheHostsTransactionDecides: what the host rolls back, as a whole or
// to a savepoint of its own, never reaches the journal; what it commits late, after
// others, does.
func TestJournal_TheHostsTransactionDecides(t *testing.T) {
	for _, w := range []way{ways[0], ways[2]} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			d := newPlainDrill(t, w)
			require.NoError(t, d.site.vault.PumpJournal(t.Context()))
			shred := func(ctx context.Context, who string) {
				_, err := d.site.vault.Shred(ctx, erasure, vault.Target{Tenant: shop, SubjectID: who})
				require.NoError(t, err)
			}
			kept := d.seal(shop, "rolled-back", profile)
			d.seal(shop, "to-savepoint", profile)

			tx, err := d.site.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			shred(d.site.handle.WithTx(service(t.Context()), tx), "rolled-back")
			require.NoError(t, tx.Rollback())

			tx, err = d.site.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			in := d.site.handle.WithTx(service(t.Context()), tx)
			_, err = tx.ExecContext(t.Context(), "SAVEPOINT mine")
			require.NoError(t, err)
			shred(in, "to-savepoint")
			_, err = tx.ExecContext(t.Context(), "ROLLBACK TO SAVEPOINT mine")
			require.NoError(t, err)
			shred(in, "committed")
			if d.where.Driver == "pgx" { // others may commit meanwhile, and are pumped first
				shred(service(t.Context()), "overtakes")
				require.NoError(t, d.site.vault.PumpJournal(t.Context()))
				require.Equal(t, 2, d.lines())
			}
			require.NoError(t, tx.Commit())
			before := d.lines()
			require.NoError(t, d.site.vault.PumpJournal(t.Context()))
			require.Equal(t, before+1, d.lines())
			d.restarted(func(*wiring) {})
			d.lives(kept, emailOf(shop, "to-savepoint", profile))
		})
	}
}
