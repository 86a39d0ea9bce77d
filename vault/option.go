package vault

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Option changes a default of [Open].
type Option func(*options) error

type options struct {
	log            *zap.Logger
	now            func() time.Time
	unmanaged      string
	fenceAge       time.Duration
	keyTTL         time.Duration
	rootTTL        time.Duration
	kekTTL         time.Duration
	kekTimeout     time.Duration
	cacheKeys      int
	cacheRoots     int
	window         time.Duration
	windowSubjects int
	// backupLife is negative while it was not declared.
	backupLife   time.Duration
	noKeyBackups string
	discrepancy  func(Discrepancy)
	reconcile    time.Duration
	// Of the erasure journal.
	journalAge  time.Duration
	newJournal  string
	replay      bool
	replayLines int
}

func defaults() options {
	return options{
		log:            zap.NewNop(),
		now:            time.Now,
		fenceAge:       5 * time.Second,
		keyTTL:         5 * time.Minute,
		rootTTL:        time.Hour,
		kekTTL:         5 * time.Minute,
		kekTimeout:     5 * time.Second,
		cacheKeys:      10_000,
		cacheRoots:     10_000,
		window:         time.Minute,
		windowSubjects: 1_000,
		backupLife:     -1,
		reconcile:      time.Hour,
		journalAge:     5 * time.Minute,
		replayLines:    replayLines,
	}
}

// WithLogger sets the logger; the default logs nothing.
func WithLogger(l *zap.Logger) Option {
	return func(o *options) error {
		if l == nil {
			return fmt.Errorf("vault: logger is nil")
		}
		o.log = l
		return nil
	}
}

// WithClock sets the clock of stored times. Ages are measured on the monotonic
// clock, whatever this one does.
func WithClock(now func() time.Time) Option {
	return func(o *options) error {
		if now == nil {
			return fmt.Errorf("vault: clock is nil")
		}
		o.now = now
		return nil
	}
}

// Unmanaged lets the vault shred with [troth.UnmanagedPermit]: no retention
// keeper checks holds and legal minima. The ground, in the host's words, is
// recorded as evidence each time such a vault is opened. It is refused for ever
// on a store that a keeper has taken over.
func Unmanaged(ground string) Option {
	return func(o *options) error {
		if err := checkGround(ground); err != nil {
			return err
		}
		o.unmanaged = ground
		return nil
	}
}

// checkGround holds a ground to the rules of purposes.
func checkGround(ground string) error {
	err := troth.Purpose(ground).Validate()
	if bad, ok := errors.AsType[*troth.IdentifierError](err); ok {
		return &troth.IdentifierError{Kind: "ground", Reason: bad.Reason}
	}
	return err
}

// WithFenceAge bounds for how long this process may open what another one has
// shredded: after at most d it has learnt of it or refuses. Default 5 s, at
// least 10 ms. A shorter bound asks the store more often.
func WithFenceAge(d time.Duration) Option {
	return atLeast("fence age", d, 10*time.Millisecond, func(o *options) { o.fenceAge = d })
}

// WithKeyTTL sets how long an unused or used key stays cached before it is read
// again. Default 5 min.
func WithKeyTTL(d time.Duration) Option {
	return atLeast("key lifetime", d, time.Millisecond, func(o *options) { o.keyTTL = d })
}

// WithKEKTTL bounds for how long keys of a tenant that brings its own
// key-encryption key are used without asking that: after a tenant has taken its
// key away, this process opens and seals for it for at most d and the bound of
// [WithFenceAge]. [Vault.Run] asks again when a third of d is left, for tenants in
// use, so that nobody waits for a key that answers. Default 5 min, at least 1 s.
func WithKEKTTL(d time.Duration) Option {
	return atLeast("lifetime of a tenant's own key", d, time.Second, func(o *options) { o.kekTTL = d })
}

// WithKEKTimeout bounds how long a tenant's own key-encryption key may take to
// answer; inside a transaction, which others wait for, a second is the most, also
// where somebody else has asked.
// Default 5 s, at least 10 ms.
func WithKEKTimeout(d time.Duration) Option {
	return atLeast("time of a tenant's own key", d, 10*time.Millisecond, func(o *options) { o.kekTimeout = d })
}

// WithDiscrepancies has [Vault.Run] call tell with what [Vault.Reconcile] finds,
// beside logging it: again in each round, as long as it is there. It must not
// block.
func WithDiscrepancies(tell func(Discrepancy)) Option {
	return func(o *options) error {
		if tell == nil {
			return fmt.Errorf("vault: nobody to tell of discrepancies")
		}
		o.discrepancy = tell
		return nil
	}
}

// WithReconcile sets after how long at the earliest [Vault.Run] begins to compare
// everything with the trail again, see [Vault.Reconcile]. Default 1 h, at least
// 1 s. Each time it reads what the trail tells of shreddings, restrictions and
// grants.
func WithReconcile(d time.Duration) Option {
	return atLeast("time between comparisons", d, time.Second, func(o *options) { o.reconcile = d })
}

// WithWindow sets the length of the intervals in which openings by services are
// counted together, unless a thousand people's compartments fill one before.
// Default 1 min, at least 1 s.
func WithWindow(d time.Duration) Option {
	return atLeast("window", d, time.Second, func(o *options) { o.window = d })
}

func atLeast(what string, d, least time.Duration, set func(*options)) Option {
	return func(o *options) error {
		if d < least {
			return fmt.Errorf("vault: %s is shorter than %v", what, least)
		}
		set(o)
		return nil
	}
}

// WithCache bounds the number of cached keys; one takes about 1.5 KiB. Default
// 10,000, at least 8.
func WithCache(keys int) Option {
	return func(o *options) error {
		if keys < ways {
			return fmt.Errorf("vault: cache of fewer than %d keys", ways)
		}
		o.cacheKeys = keys
		return nil
	}
}

// WithBackupLife declares for how long a copy of the database may be found after
// its bytes were changed: in backups, those of the key tables included, replicas,
// write-ahead logs and their archives, snapshots, dead rows. [Vault.Horizon] counts on it, and says
// "unknown" where it would need it and nothing is declared.
func WithBackupLife(d time.Duration) Option {
	return atLeast("life of backups", d, 0, func(o *options) { o.backupLife = d })
}

// UnsafeWithoutKeyBackups lets epoch keys be destroyed though no backup of the
// key tables is newer, as [Vault.Retire] demands otherwise. If the database is
// lost after that, everything that it sealed is lost, whatever backups there
// are. The ground, in the host's words, is in the evidence of each destruction.
func UnsafeWithoutKeyBackups(ground string) Option {
	return func(o *options) error {
		if err := checkGround(ground); err != nil {
			return err
		}
		o.noKeyBackups = ground
		return nil
	}
}
