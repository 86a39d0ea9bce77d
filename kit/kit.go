package kit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/vault"
)

// Config is what a Kit cannot do without.
type Config struct {
	// DB is the host's database; the host closes it, after the Kit.
	DB      *sql.DB
	Dialect sqlstore.Dialect
	// Secrets come from LocalSecrets or hold the host's own.
	Secrets Secrets
	// Origin names the trail's log, for who verifies it: unique in the world, best
	// a domain and a path without a scheme, such as "example.com/audit". It stays
	// the same for the life of the log. Empty is the name of Secrets.Signer,
	// which is [DefaultOrigin] for that of LocalSecrets. That one takes whatever
	// name stands here; any other signer must have it already.
	Origin string
	// Sinks keep the log's checkpoints outside of the database, which is what
	// exposes a database that was put back: [audit.FileSink], for example.
	Sinks []audit.Sink
	// Witnesses cosign the log's checkpoints: services of somebody else that see
	// for themselves that it only grew.
	Witnesses []audit.Witness
	// Logger is optional; nil logs nothing.
	Logger *zap.Logger
	// Clock is optional; nil is time.Now. It is the clock of stored times.
	Clock func() time.Time
}

// Kit is the library, wired.
type Kit struct {
	Handle *sqlstore.Handle
	Trail  *audit.Trail
	Vault  *vault.Vault

	log       *zap.Logger
	signer    audit.Signer // nil in a kit that only records
	verifiers audit.Verifiers
	late      late
	settled   atomic.Bool
}

// ground is recorded as the reason for working without a retention keeper.
const ground = "no-retention-keeper"

// Open creates or migrates the tables and wires the parts. It asks the
// key-encryption key once, so that a wrong one shows here, as [vault.ErrKEK],
// and not at the first customer's data.
func Open(ctx context.Context, c Config, opts ...vault.Option) (*Kit, error) {
	if c.Secrets.KEK == nil {
		return nil, errors.New("kit: open: Config.Secrets has no key-encryption key")
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	k := &Kit{log: c.Logger}
	if err := k.setSigner(c); err != nil {
		return nil, fmt.Errorf("kit: open: %w", err)
	}
	handle, err := sqlstore.Open(ctx, c.DB, c.Dialect)
	if err != nil {
		return nil, fmt.Errorf("kit: open: %w", err)
	}
	k.Handle = handle
	if err := k.wire(ctx, c, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("kit: open: %w", err), handle.Close())
	}
	return k, nil
}

// setSigner takes the signer of the log, and the keys that verify it.
func (k *Kit) setSigner(c Config) (err error) {
	k.verifiers = c.Secrets.Verifiers
	for _, w := range c.Witnesses {
		if k.verifiers, err = k.verifiers.WithWitness(w.Key); err != nil {
			return fmt.Errorf("Config.Witnesses: %w", err)
		}
	}
	if k.signer, err = c.signer(); err != nil || k.signer == nil {
		return err
	}
	k.verifiers, err = k.verifiers.With(k.signer.VerifierKey())
	return err
}

// trailOptions are those of the trail.
func (k *Kit) trailOptions(c Config) []audit.Option {
	opts := []audit.Option{
		audit.Unmanaged(ground), audit.WithLogger(c.Logger), audit.WithClock(c.Clock), audit.WithVerifiers(k.verifiers),
	}
	if k.signer != nil {
		opts = append(opts, audit.WithSigner(k.signer))
	}
	for _, s := range c.Sinks {
		opts = append(opts, audit.WithSink(s))
	}
	for _, w := range c.Witnesses {
		opts = append(opts, audit.WithWitness(w))
	}
	return opts
}

func (k *Kit) wire(ctx context.Context, c Config, opts []vault.Option) error {
	entries, err := auditsql.New(ctx, k.Handle)
	if err != nil {
		return err
	}
	keys, err := vaultsql.New(ctx, k.Handle)
	if err != nil {
		return err
	}
	if k.late.keys, err = keysAlone(ctx, k.Handle, keys, c); err != nil {
		return err
	}
	k.Trail, err = audit.New(ctx, entries, &k.late, &k.late, k.trailOptions(c)...)
	if err != nil {
		return err
	}
	opts = slices.Concat([]vault.Option{
		vault.Unmanaged(ground), vault.WithLogger(c.Logger), vault.WithClock(c.Clock),
	}, opts)
	k.Vault, err = vault.Open(ctx, vault.Config{Store: keys, KEK: c.Secrets.KEK, Recorder: k.Trail}, opts...)
	k.late.vault = k.Vault
	return err
}

// keysAlone opens a vault that serves for its keyed hashes only, of which there
// is no evidence to keep. It asks the key-encryption key once.
func keysAlone(ctx context.Context, h *sqlstore.Handle, keys vault.Backend, c Config) (*vault.Vault, error) {
	v, err := vault.Open(ctx, vault.Config{Store: keys, KEK: c.Secrets.KEK, Recorder: troth.UnsafeNoEvidence(h)},
		vault.WithLogger(c.Logger), vault.WithClock(c.Clock))
	if err != nil {
		return nil, err
	}
	_, err = v.MAC(ctx, troth.KeyRef{Tenant: troth.Platform, Use: "kit.open", ID: "check"}, nil)
	return v, err
}

// WithTx returns a context in which all parts work inside the host's own
// transaction, which stays the host's to commit or roll back.
func (k *Kit) WithTx(ctx context.Context, tx *sql.Tx) context.Context {
	return k.Handle.WithTx(ctx, tx)
}

// Verifiers are the keys by which strangers believe the log's checkpoints: the
// signer's, and those of Config.Secrets and of the witnesses. Give them away once, by a way of their own,
// see [audit.Verifiers]; String writes the file that audit.ParseVerifiers reads.
func (k *Kit) Verifiers() audit.Verifiers { return k.verifiers }

// Acts are all acts whose evidence the parts record; docs/acts.md shows them.
func Acts() []*troth.Act { return slices.Concat(vault.Acts(), audit.Acts(), task.Acts()) }
