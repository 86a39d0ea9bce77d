package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// Horizon is from when on nobody can read what a shredding destroyed: not even
// who has every byte that the database and its backups ever held, and the
// key-encryption key. docs/threats.md has the argument.
type Horizon struct {
	// At is the instant; zero if none can be told, and then Steps say why.
	At time.Time
	// Final says that At has passed and that nothing it rests on can change any
	// more.
	Final bool
	// Exported says that keys are outside, in a keyset: no instant can be told
	// while somebody may have that.
	Exported bool
	// Slowest is a tenant that keeps an epoch alive on which At waits; empty if
	// none does.
	Slowest troth.Tenant
	// Steps are how it follows, in order.
	Steps []HorizonStep
}

// HorizonGround is what a step rests on.
type HorizonGround string

const (
	// GroundCaches is the time that other processes may take to let go of a key.
	GroundCaches HorizonGround = "caches"
	// GroundDestroyed is the confirmed destruction of an epoch key.
	GroundDestroyed HorizonGround = "destroyed"
	// GroundPending is a destruction that can still be taken back.
	GroundPending HorizonGround = "pending"
	// GroundBackups is the expiry of the last copy of the database.
	GroundBackups HorizonGround = "backups"
	// GroundUnknown is nothing: no instant follows.
	GroundUnknown HorizonGround = "unknown"
	// GroundExported is a keyset that left the vault.
	GroundExported HorizonGround = "exported"
	// GroundUncommitted says that the store does not hold the tombstones of what
	// the receipt names.
	GroundUncommitted HorizonGround = "uncommitted"
)

// HorizonStep is one reason for an instant.
type HorizonStep struct {
	Ground HorizonGround
	// Epoch is the one that the step is about; 0 with GroundDestroyed and
	// GroundPending never, else it may be the key-encryption key alone.
	Epoch uint32
	// At is the instant that follows; zero if none does.
	At time.Time
	// Text says it in words, with no personal data.
	Text string
}

// String is the horizon and its derivation, in one line for each step.
func (h Horizon) String() string {
	var b strings.Builder
	switch {
	case h.Exported:
		b.WriteString("no horizon while exported")
	case h.At.IsZero():
		b.WriteString("horizon unknown")
	case h.Final:
		fmt.Fprintf(&b, "final since %s", words(h.At))
	default:
		fmt.Fprintf(&b, "not final before %s", words(h.At))
	}
	for _, s := range h.Steps {
		b.WriteString("\n- " + s.Text)
	}
	return b.String()
}

func words(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// lain is a time during which what was shredded lay under one epoch.
type lain struct {
	epoch uint32
	// until is when the database let go of it there.
	until int64
}

// Horizon tells from when on what the receipt names can be read by nobody, and
// how that follows. It asks for the present state: call it again after
// [Vault.Rewrap] and [Vault.Retire], and before a certificate says "final". It
// returns [ErrJournalAhead] before a replay: an export, or a restore, that the
// store has forgotten would make it too early.
//
// It counts on what the host declared: that the keys of epochs lie apart, see
// [EpochPlace], and how long copies of the database live, see [WithBackupLife]. Where
// neither was there is no instant.
func (v *Vault) Horizon(ctx context.Context, r Receipt) (Horizon, error) {
	if err := r.Target.validate(); err != nil {
		return Horizon{}, err
	}
	if err := v.checkGate(""); err != nil {
		return Horizon{}, err
	}
	d, err := v.deathOf(ctx, &r)
	if err != nil {
		return Horizon{}, err
	}
	if d.missing {
		return Horizon{Steps: []HorizonStep{{
			Ground: GroundUncommitted,
			Text:   "the store does not hold the tombstones of all that died: the shredding has not committed, or somebody removed them",
		}}}, nil
	}
	if d.elsewhere {
		return Horizon{Steps: []HorizonStep{{
			Ground: GroundUnknown,
			Text:   "it died in a history that a restore took back: the store does not know what lay where",
		}}}, nil
	}
	for _, n := range d.names {
		at, err := v.store.Exported(ctx, n)
		if err != nil {
			return Horizon{}, fmt.Errorf("vault: read exports: %w", err)
		}
		if at != 0 && at >= d.made {
			return Horizon{Exported: true, Steps: []HorizonStep{{
				Ground: GroundExported, Text: "not while exported: keys left the vault in a keyset at " + words(instantOf(at)),
			}}}, nil
		}
	}
	return v.deriveHorizon(ctx, &r, d)
}

// deriveHorizon adds the steps up.
func (v *Vault) deriveHorizon(ctx context.Context, r *Receipt, d *death) (h Horizon, err error) {
	gone := time.UnixMicro(max(d.at, r.At.UnixMicro())).UTC()
	addStep(&h, HorizonStep{
		Ground: GroundCaches, At: gone.Add(v.opt.fenceAge),
		Text: fmt.Sprintf("shredded at %s; processes let go of the key within %v", words(gone), v.opt.fenceAge),
	})
	rows, err := v.epochRows(ctx)
	if err != nil {
		return h, err
	}
	h.Final = true
	for _, l := range d.lain {
		s := v.step(ctx, l, rows)
		if s.Ground == GroundPending || s.Ground == GroundUnknown {
			h.Final = false
		}
		if s.Ground == GroundUnknown || s.Ground == GroundBackups {
			if err := v.whoHoldsUp(ctx, l, rows, &h, &s); err != nil {
				return h, err
			}
		}
		addStep(&h, s)
	}
	if slices.ContainsFunc(h.Steps, func(s HorizonStep) bool { return s.At.IsZero() }) {
		h.At = time.Time{}
	}
	h.Final = h.Final && !h.At.IsZero() && !v.now().Before(h.At)
	return h, nil
}

func addStep(h *Horizon, s HorizonStep) {
	h.Steps = append(h.Steps, s)
	if s.At.After(h.At) {
		h.At = s.At
	}
}

// step tells when nothing under the epoch can be opened any more: when its key
// is gone, or when the last copy of what lay there is, whichever comes first.
func (v *Vault) step(ctx context.Context, l lain, rows []EpochRow) HorizonStep {
	byBackup := v.backupStep(l)
	byKey := v.keyStep(ctx, l, rows)
	switch {
	case byKey.At.IsZero() && byBackup.At.IsZero():
		byKey.Text += "; and " + byBackup.Text
		return byKey
	case byKey.At.IsZero():
		byBackup.Text = byKey.Text + "; " + byBackup.Text
		return byBackup
	case byBackup.At.IsZero() || !byBackup.At.Before(byKey.At):
		return byKey
	}
	return byBackup
}

func (v *Vault) backupStep(l lain) HorizonStep {
	s := HorizonStep{Ground: GroundUnknown, Epoch: l.epoch, Text: "it is not declared how long backups live"}
	if v.opt.backupLife < 0 {
		return s
	}
	s.Ground, s.At = GroundBackups, instantOf(l.until).Add(v.opt.backupLife)
	s.Text = fmt.Sprintf("the last backup that holds the key under epoch %d, from %s, expires after %v, at %s",
		l.epoch, words(instantOf(l.until)), v.opt.backupLife, words(s.At))
	return s
}

func (v *Vault) keyStep(ctx context.Context, l lain, rows []EpochRow) HorizonStep {
	s := HorizonStep{Ground: GroundUnknown, Epoch: l.epoch}
	i := slices.IndexFunc(rows, func(r EpochRow) bool { return r.Epoch == l.epoch })
	switch {
	case l.epoch == 0:
		s.Text = "it lay directly under the key-encryption key, which stays"
		return s
	case i < 0 || v.epochs == nil || rows[i].Place != v.epochs.Place().Name:
		s.Text = fmt.Sprintf("it is not declared where the key of epoch %d lies", l.epoch)
		return s
	case !v.epochs.Place().Apart:
		s.Text = fmt.Sprintf("the key of epoch %d is not declared to be apart from the data, so that a copy may be with every backup", l.epoch)
		return s
	}
	row, place := rows[i], v.epochs.Place()
	after := ""
	if place.BackupLife > 0 {
		after = fmt.Sprintf(", and backups of %s live %v", place.Name, place.BackupLife)
	}
	switch {
	case row.DestroyedAt != 0 && v.wraps(ctx, l.epoch):
		s.Text = fmt.Sprintf("the key of epoch %d is said to be destroyed, and %s still has it", l.epoch, place.Name)
	case row.DestroyedAt != 0:
		s.Ground, s.At = GroundDestroyed, instantOf(row.DestroyedAt).Add(place.BackupLife)
		s.Text = fmt.Sprintf("the key of epoch %d was destroyed in %s by %s%s", l.epoch, place.Name, words(instantOf(row.DestroyedAt)), after)
	case row.FinalAt != 0:
		s.Ground, s.At = GroundPending, instantOf(row.FinalAt).Add(place.BackupLife)
		s.Text = fmt.Sprintf("the key of epoch %d is to be destroyed in %s at %s, which can be taken back until then and is to be confirmed%s",
			l.epoch, place.Name, words(instantOf(row.FinalAt)), after)
	case row.ClosedAt != 0:
		s.Text = fmt.Sprintf("the key of epoch %d is not destroyed yet: Retire does that, behind a tested key backup", l.epoch)
	default:
		s.Text = fmt.Sprintf("the key of epoch %d is in use", l.epoch)
	}
	return s
}

// wraps reports whether the EpochStore still works with the key: a row in the
// database is not enough to believe in its destruction.
func (v *Vault) wraps(ctx context.Context, epoch uint32) bool {
	_, err := v.epochs.Wrap(ctx, epoch, make([]byte, keySize), nil)
	return err == nil
}

// whoHoldsUp names the tenant that keeps the epoch from being closed.
func (v *Vault) whoHoldsUp(ctx context.Context, l lain, rows []EpochRow, h *Horizon, s *HorizonStep) error {
	i := slices.IndexFunc(rows, func(r EpochRow) bool { return r.Epoch == l.epoch })
	if i < 0 || rows[i].ClosedAt != 0 || h.Slowest != "" {
		return nil
	}
	if i == len(rows)-1 {
		s.Text += "; Advance opens the next one"
		return nil
	}
	st, err := v.store.Staleness(ctx, l.epoch+1)
	if err != nil {
		return fmt.Errorf("vault: count stale keys: %w", err)
	}
	if st.Tenants > 0 {
		h.Slowest = st.Slowest
		s.Text += fmt.Sprintf("; %d tenants are left in it or below, the slowest is %q", st.Tenants, st.Slowest)
	}
	return nil
}
