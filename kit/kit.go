package kit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/rightssql"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/unsubscribe"
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
	// KEKs is optional: the key-encryption keys of tenants that bring their own,
	// see [vault.Vault.MoveTenant].
	KEKs vault.KEKResolver
	// Directory is optional: the addresses of the host's people. With it consent and
	// opt-outs are one truth: each ledger tells the other of a no, in one transaction,
	// and asks it before it says yes. Without it they go by the SubjectID that the host
	// gives with recipients and opt-outs: the Gate asks the ledger of consent about
	// those, and where the purpose of a list is in its catalogue it lets nobody through
	// without one. Withdrawals then become no opt-outs of addresses.
	Directory troth.Directory
	// Tasks, Consent, Unsubscribe and Gate are options of those parts, beside what the
	// Kit gives them.
	Tasks       []task.Option
	Consent     []consent.Option
	Unsubscribe []unsubscribe.Option
	Gate        []unsubscribe.GateOption
	// Retention is optional, and called once, when the other parts but the desk are made: with it a
	// Keeper carries the host's policy out, and alone gives leave to destroy, in all
	// parts, for ever: later the database opens with a Keeper or not at all. Handlers of
	// [retention.WithRecords] may keep the Kit, and use its Keeper when they are called.
	// Until a policy is active nothing is destroyed.
	Retention func(k *Kit) []retention.Option
	// Rights is optional, and called once, when all other parts are made: the host's own
	// sources of data about people, and what else the desk is to know.
	// The Kit's parts are sources already, and the log's signer signs exports unless
	// [rights.WithExports] names another. Certificates and exports need
	// [rights.WithController].
	Rights func(k *Kit) []rights.Option
	// ReconcileEvery is how long Run waits between comparing all requests with the trail,
	// see [rights.Desk.Reconcile]; 0 is a day, and below it Run never does. Each time
	// it reads everything that was ever recorded of requests.
	ReconcileEvery time.Duration
	// Tampered is optional, and told what that found, beside the log and the trail: again
	// each time, as long as it is there. It must not block.
	Tampered func(*rights.TamperedError)
	// Kinds says how work that the Kit itself hands to Tasks is limited and tried
	// again, by the names of [consent.Works], [unsubscribe.Works] and [retention.Works], or
	// [rights.WorkDue]: how fast a
	// provider may be called, for example. The others have the engine's defaults.
	Kinds []task.Kind
	// KeyBackup is for opening with [vault.ForReplay] alone: the newest backup of
	// the key tables, where the restored database is so old that the key of the
	// platform's epoch was destroyed since, and Open returns
	// [vault.ErrEpochDestroyed]. It takes no more than the platform's keys from it;
	// [vault.Vault.RestoreKeys] takes the rest.
	KeyBackup io.Reader
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
	// Tasks keeps work that must happen later or elsewhere. Register what you
	// enqueue with [task.Register] before Run.
	Tasks *task.Engine
	// Consent is the ledger of consent. What it enqueues, Tasks does.
	Consent *consent.Ledger
	// Unsubscribe is the registry of opt-outs; Gate is asked by it before each message,
	// see [unsubscribe.Gate.Filter]. It lets nobody through before Run, or
	// [unsubscribe.Gate.Load], has read the registry. The keys of [unsubscribe.NewLinks]
	// are Vault's.
	Unsubscribe *unsubscribe.Registry
	Gate        *unsubscribe.Gate
	// Keeper carries the host's retention policy out; nil without Config.Retention.
	Keeper *retention.Keeper
	// Rights is the desk for requests of people about their data.
	Rights *rights.Desk

	log         *zap.Logger
	now         func() time.Time
	signer      audit.Signer // nil in a kit that only records
	verifiers   audit.Verifiers
	keys        vault.Backend
	records     retention.Backend
	late        late
	reconciling reconciling
	settled     atomic.Bool
}

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
	if c.ReconcileEvery == 0 {
		c.ReconcileEvery = reconcileDaily
	}
	k := &Kit{log: c.Logger, now: c.Clock, reconciling: reconciling{every: c.ReconcileEvery, tell: c.Tampered}}
	if err := c.checkKinds(); err != nil {
		return nil, fmt.Errorf("kit: open: %w", err)
	}
	if err := k.setSigner(c); err != nil {
		return nil, fmt.Errorf("kit: open: %w", err)
	}
	handle, err := sqlstore.Open(ctx, c.DB, c.Dialect)
	if err != nil {
		return nil, fmt.Errorf("kit: open: %w", err)
	}
	k.Handle = handle
	if err := k.wire(ctx, c, opts); err != nil {
		if c.Retention == nil && errors.Is(err, audit.ErrUnmanaged) {
			err = fmt.Errorf("Config.Retention is missing: %w", err)
		}
		return nil, errors.Join(fmt.Errorf("kit: open: %w", err), k.closeVaults(ctx), handle.Close())
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
	opts := []audit.Option{audit.WithLogger(c.Logger), audit.WithClock(c.Clock), audit.WithVerifiers(k.verifiers)}
	if c.Retention == nil {
		opts = append(opts, audit.Unmanaged(ground))
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
	k.keys = keys
	err = k.wireVault(ctx, c, keys, entries, opts)
	if c.Secrets.Epochs != nil && errors.Is(err, vault.ErrNoEpochs) { // another process came to the first epoch before
		if err := k.closeVaults(ctx); err != nil {
			return err
		}
		k.Vault, k.late.keys, k.late.vault = nil, nil, nil
		k.late.ended.Store(false)
		err = k.wireVault(ctx, c, keys, entries, opts)
	}
	if err != nil {
		return err
	}
	managed := []retention.Managed{keys, entries}
	for _, wire := range []func(ctx context.Context, c Config) (retention.Managed, error){
		k.wireTasks, k.wireConsent, k.wireUnsubscribe,
	} {
		store, err := wire(ctx, c)
		if err != nil {
			return err
		}
		managed = append(managed, store)
	}
	requests, err := rightssql.New(ctx, k.Handle)
	if err != nil {
		return err
	}
	if err := k.wireRetention(ctx, c, append(managed, requests)); err != nil {
		return err
	}
	return k.wireRights(ctx, c, requests)
}

// wireVault makes the vault and the trail, which need each other.
func (k *Kit) wireVault(ctx context.Context, c Config, keys vault.Backend, entries audit.Backend, opts []vault.Option) (err error) {
	var bare bool
	if k.late.keys, bare, err = keysAlone(ctx, k.Handle, keys, c); err != nil {
		return err
	}
	k.Trail, err = audit.New(ctx, entries, &k.late, &k.late, k.trailOptions(c)...)
	if err != nil {
		return err
	}
	own := []vault.Option{vault.WithLogger(c.Logger), vault.WithClock(c.Clock)}
	if c.Retention == nil {
		own = append(own, vault.Unmanaged(ground))
	}
	opts = slices.Concat(own, opts)
	wired := c.vault(keys, k.Trail)
	wired.Evidence = Evidence(k.Trail)
	k.Vault, err = vault.Open(ctx, wired, opts...)
	k.late.vault = k.Vault
	if err != nil {
		return err
	}
	if bare { // the epoch that there is by now, with its evidence, is for both
		if !k.Vault.Behind() {
			if _, err := k.Vault.Rotate(troth.WithActor(ctx, self), troth.Platform); err != nil {
				return err
			}
		}
		before := k.late.keys
		after, err := openForKeys(ctx, k.Handle, keys, c)
		if err != nil {
			return err
		}
		k.late.keys = after
		if err := before.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

// closeVaults closes what was opened of a kit that comes to nothing, also where ctx is over,
// which may be why.
func (k *Kit) closeVaults(ctx context.Context) (err error) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer stop()
	if k.Vault != nil {
		err = k.Vault.Close(ctx)
		k.late.ended.Store(true)
	}
	if k.late.keys != nil {
		err = errors.Join(err, k.late.keys.Close(ctx))
	}
	return err
}

// vault is what both vaults are opened with.
func (c Config) vault(keys vault.Backend, rec troth.Recorder) vault.Config {
	return vault.Config{
		Store: keys, KEK: c.Secrets.KEK, KEKs: c.KEKs, Epochs: c.Secrets.Epochs, Journal: c.Secrets.Journal, Recorder: rec,
	}
}

// keysAlone opens a vault that serves for its keyed hashes only, of which there
// is no evidence to keep. It asks the key-encryption key once.
//
// A trail can tell of the first epoch only once it has keys, so that these cannot lie
// under it: the platform's index root, under which nobody's data lies, is then bare,
// directly under the key-encryption key. Whoever opens the kit moves it to the
// epoch, also if the one who made it died before.
func keysAlone(ctx context.Context, h *sqlstore.Handle, keys vault.Backend, c Config) (v *vault.Vault, bare bool, err error) {
	if c.Secrets.Epochs != nil && c.KeyBackup == nil {
		root, _, err := keys.Root(ctx, troth.Platform, vault.IndexLineage)
		if err != nil {
			return nil, false, err
		}
		epochs, err := keys.Epochs(ctx)
		if err != nil {
			return nil, false, err
		}
		if bare = root.Epoch == 0; bare && len(epochs) == 0 {
			c.Secrets.Epochs = nil
		}
	}
	v, err = openForKeys(ctx, h, keys, c)
	return v, bare, err
}

// openForKeys opens a vault which does nothing but hash, as one that waits for a replay.
func openForKeys(ctx context.Context, h *sqlstore.Handle, keys vault.Backend, c Config) (*vault.Vault, error) {
	v, err := vault.Open(ctx, c.vault(keys, troth.UnsafeNoEvidence(h)), vault.WithLogger(c.Logger), vault.WithClock(c.Clock), vault.ForReplay())
	if err != nil {
		return nil, err
	}
	if c.KeyBackup != nil {
		if err := v.RestorePlatform(ctx, c.KeyBackup); err != nil {
			return nil, errors.Join(err, v.Close(ctx))
		}
	}
	// The root that hashes come from, which is made if there is none.
	if _, err := v.MAC(ctx, troth.KeyRef{Tenant: troth.Platform, Use: "kit.open", ID: "check"}, nil); err != nil {
		return nil, errors.Join(err, v.Close(ctx))
	}
	return v, nil
}

// self is who acts where nobody else does.
var self = troth.Actor{Kind: troth.Service, ID: "kit"}

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
func Acts() []*troth.Act {
	return slices.Concat(vault.Acts(), audit.Acts(), task.Acts(), consent.Acts(), unsubscribe.Acts(), retention.Acts(), rights.Acts())
}
