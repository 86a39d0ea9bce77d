package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/vault"
)

// With the vault and the trail, as a host wires them: the payload is sealed in the
// host's transaction, opened for the handler, and its key shredded afterwards.
func TestEngine_WithTheVaultAndTheTrail(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		secrets, err := kit.LocalSecrets(t.TempDir(), "a passphrase")
		require.NoError(t, err)
		k, err := kit.Open(t.Context(), kit.Config{DB: b.open(t), Dialect: b.dialect, Secrets: secrets})
		require.NoError(t, err)
		defer func() { require.NoError(t, k.Close(t.Context())) }()
		s := b.store(t, k.Handle)
		e, err := task.New(t.Context(), task.Config{
			Store: s, Recorder: k.Trail, Sealer: k.Vault,
			DestroyKey: func(ctx context.Context, p troth.Permit, of troth.Subject, c troth.Compartment) error {
				_, err := k.Vault.Shred(ctx, p, vault.Target{Tenant: of.Tenant, SubjectID: of.ID, Compartments: []troth.Compartment{c}})
				return err
			},
		}, task.Unmanaged("no-retention-keeper"), task.WithPoll(20*time.Millisecond))
		require.NoError(t, err)
		got := make(chan string, 1)
		require.NoError(t, task.Register(e, task.Kind{Name: "k", Backoff: 10 * time.Millisecond}, func(_ context.Context, j task.Job[effect]) error {
			if j.Attempt < 3 {
				return context.DeadlineExceeded
			}
			got <- j.Value.Key
			return nil
		}))
		var id string
		require.NoError(t, k.Handle.Atomically(t.Context(), func(ctx context.Context) error {
			w, err := task.NewWork(tenant, "k", effect{Key: "of the vault"})
			if err != nil {
				return err
			}
			id, err = e.Enqueue(ctx, w)
			return err
		}))
		n := task.Name{Tenant: tenant}
		n.ID, err = troth.ParseEntryID(id)
		require.NoError(t, err)
		row, _, err := s.Task(t.Context(), n)
		require.NoError(t, err)
		stop := run(t, e)
		require.Equal(t, "of the vault", <-got)
		require.Eventually(t, func() bool {
			row, _, err := s.Task(t.Context(), n)
			return err == nil && row.State == task.Completed && row.Payload == nil
		}, time.Minute, 20*time.Millisecond)
		stop()
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "test"})
		_, err = k.Vault.Open(ctx, nil, troth.Context{
			Subject: task.GroupSubject(tenant, row.Group), Compartment: task.Compartment,
			Cell: troth.Cell{Table: "k", Column: "payload", Row: id},
		}, "test", row.Payload)
		require.ErrorIs(t, err, vault.ErrShredded, "what was stored before opens nowhere")
	})
}
