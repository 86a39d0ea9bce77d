package task_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/task"
)

// childEnv makes the test binary a worker, with the configuration that it holds.
const childEnv = "TROTH_TEST_TASK_CHILD"

// idleConnections is how many connections a pool keeps. The default of 2 would have
// handlers connect anew for almost every statement.
const idleConnections = 32

// childConfig is what a worker is told.
type childConfig struct {
	Driver, DSN string
	Dialect     sqlstore.Dialect
	Name        string
	Lease       time.Duration
}

// start begins a worker, which ends with this process at the latest.
func (c childConfig) start(t *testing.T) *exec.Cmd {
	t.Helper()
	sqltest.Programs(t)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// runChild works until its standard input ends.
func runChild(config string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	db, err := sql.Open(c.Driver, c.DSN)
	if err != nil {
		return err
	}
	db.SetMaxIdleConns(idleConnections)
	h, err := sqlstore.Open(ctx, db, c.Dialect)
	if err != nil {
		return err
	}
	s, err := tasksql.New(ctx, h)
	if err != nil {
		return err
	}
	e, err := newEngine(ctx, s, task.WithLease(c.Lease), task.WithPoll(100*time.Millisecond))
	if err != nil {
		return err
	}
	if err := registerEffects(e, h, c.Name); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := e.Run(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// newEngine returns an engine that seals under keys that every process knows.
func newEngine(ctx context.Context, s task.Backend, opts ...task.Option) (*task.Engine, error) {
	c := task.Config{Store: s, Recorder: troth.UnsafeNoEvidence(s.Transactor()), Sealer: fixedSealer{}}
	return task.New(ctx, c, append([]task.Option{task.Unmanaged("test")}, opts...)...)
}

// effect is the payload of work that has one.
type effect struct {
	Key string `json:"key"`
}

// Kinds of effects: inTx commits with the end of the work and trusts nothing
// else; keyed is an effect elsewhere that honours its idempotency key.
const (
	inTx  = "effect.in-tx"
	keyed = "effect.keyed"
)

const tenant troth.Tenant = "acme"

// createEffects makes the tables of effects. The one of inTx would take an effect
// twice.
func createEffects(ctx context.Context, h *sqlstore.Handle) error {
	for _, text := range []string{
		"CREATE TABLE effect (key TEXT NOT NULL, worker TEXT NOT NULL)",
		"CREATE TABLE effect_keyed (effect TEXT NOT NULL PRIMARY KEY, key TEXT NOT NULL)",
		"CREATE TABLE run (key TEXT NOT NULL, worker TEXT NOT NULL)",
	} {
		if _, err := h.Querier(ctx).Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func registerEffects(e *task.Engine, h *sqlstore.Handle, worker string) error {
	insert := func(ctx context.Context, text string, args ...any) error {
		_, err := h.Querier(ctx).Exec(ctx, h.Dialect().Rebind(text), args...)
		return err
	}
	check := func(j task.Job[effect]) error {
		if len(j.Payload) > 0 && j.Value.Key != j.Key {
			return task.Permanent(errors.New("the payload is of another task"))
		}
		return nil
	}
	// On a busy machine an attempt may outlive its lease any number of times.
	const untiring = 1 << 20
	return errors.Join(
		task.Register(e, task.Kind{Name: inTx, Backoff: 50 * time.Millisecond, Cap: time.Second, MaxAttempts: untiring}, func(ctx context.Context, j task.Job[effect]) error {
			if err := check(j); err != nil {
				return err
			}
			return h.Atomically(ctx, func(ctx context.Context) error {
				if err := insert(ctx, "INSERT INTO effect (key, worker) VALUES (?, ?)", j.Key, worker); err != nil {
					return err
				}
				return j.Complete(ctx)
			})
		}),
		task.Register(e, task.Kind{Name: keyed, Backoff: 50 * time.Millisecond, Cap: time.Second, MaxAttempts: untiring}, func(ctx context.Context, j task.Job[effect]) error {
			if err := check(j); err != nil {
				return err
			}
			if h.Dialect() == sqlstore.Postgres { // in one round trip, of which there are many thousands
				rows, err := h.Single(ctx, `WITH r AS (INSERT INTO run (key, worker) VALUES ($1, $2))
					INSERT INTO effect_keyed (effect, key) VALUES ($3, $1) ON CONFLICT DO NOTHING`, j.Key, worker, j.EffectKey)
				if err != nil {
					return err
				}
				return rows.Close()
			}
			if err := insert(ctx, "INSERT INTO run (key, worker) VALUES (?, ?)", j.Key, worker); err != nil {
				return err
			}
			return insert(ctx, "INSERT INTO effect_keyed (effect, key) VALUES (?, ?) ON CONFLICT DO NOTHING", j.EffectKey, j.Key)
		}),
	)
}

// fixedSealer seals under keys that are derived from a fixed secret, so that
// several processes open each other's.
type fixedSealer struct{}

func (fixedSealer) aead(at troth.Context) (cipher.AEAD, []byte, error) {
	bound, err := json.Marshal(at)
	if err != nil {
		return nil, nil, err
	}
	key := sha256.Sum256([]byte("not a secret " + at.Subject.ID))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return aead, bound, err
}

func (s fixedSealer) Seal(_ context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	aead, bound, err := s.aead(at)
	if err != nil {
		return nil, err
	}
	return aead.Seal(dst, nil, plaintext, bound), nil
}

func (s fixedSealer) Open(_ context.Context, dst []byte, at troth.Context, _ troth.Purpose, sealed []byte) ([]byte, error) {
	aead, bound, err := s.aead(at)
	if err != nil {
		return nil, err
	}
	return aead.Open(dst, nil, sealed, bound)
}
