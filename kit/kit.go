package kit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// Config is what a Kit cannot do without.
type Config struct {
	// DB is the host's database; the host closes it, after the Kit.
	DB      *sql.DB
	Dialect sqlstore.Dialect
	// Secrets come from LocalSecrets or hold the host's own.
	Secrets Secrets
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
	handle, err := sqlstore.Open(ctx, c.DB, c.Dialect)
	if err != nil {
		return nil, fmt.Errorf("kit: open: %w", err)
	}
	k := &Kit{Handle: handle}
	if err := k.wire(ctx, c, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("kit: open: %w", err), handle.Close())
	}
	return k, nil
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
	l := &late{}
	k.Trail, err = audit.New(ctx, entries, l, l,
		audit.Unmanaged(ground), audit.WithLogger(c.Logger), audit.WithClock(c.Clock))
	if err != nil {
		return err
	}
	opts = slices.Concat([]vault.Option{
		vault.Unmanaged(ground), vault.WithLogger(c.Logger), vault.WithClock(c.Clock),
	}, opts)
	k.Vault, err = vault.Open(ctx, vault.Config{Store: keys, KEK: c.Secrets.KEK, Recorder: k.Trail}, opts...)
	if err != nil {
		return err
	}
	l.vault = k.Vault
	_, err = k.Vault.MAC(ctx, troth.KeyRef{Tenant: troth.Platform, Use: "kit.open", ID: "check"}, nil)
	return err
}

// WithTx returns a context in which all parts work inside the host's own
// transaction, which stays the host's to commit or roll back.
func (k *Kit) WithTx(ctx context.Context, tx *sql.Tx) context.Context {
	return k.Handle.WithTx(ctx, tx)
}

// Run drives the parts until ctx ends, and returns its error: it keeps the
// vault's knowledge of other processes fresh, tells opening windows in time, and
// marks those of processes that died. See [vault.Vault.Run].
func (k *Kit) Run(ctx context.Context) error { return k.Vault.Run(ctx) }

// Close ends the parts and records what they still have to tell, so ctx must
// still be good: end Run by its own context first. After an error Close can be
// called again. The host's database stays open.
func (k *Kit) Close(ctx context.Context) error {
	if err := k.Vault.Close(ctx); err != nil {
		return fmt.Errorf("kit: close: %w", err)
	}
	return k.Handle.Close()
}

// Acts are all acts whose evidence the parts record; docs/acts.md shows them.
func Acts() []*troth.Act { return slices.Concat(vault.Acts(), audit.Acts()) }
