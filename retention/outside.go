package retention

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Outside keeps what forbids destroying where a restore of the database does not reach:
// a folder on another machine, a bucket with versions. It is written when holds,
// exceptions or policies change, and is read when a keeper starts.
type Outside interface {
	// Keep replaces what is kept under a name. It is durable when Keep returns.
	Keep(ctx context.Context, name string, kept []byte) error
	// Kept yields all that is kept, in any order.
	Kept(ctx context.Context) iter.Seq2[[]byte, error]
}

// WithOutside has the keeper notice that an older copy of the database was put back: then
// holds may be missing, and nothing of the tenant is destroyed until [Keeper.PutBack].
// It needs [WithKeys]. What is kept is authenticated, and names holds, matters and the
// opaque ids of people; sweeps write it within a poll of the change, and [Keeper.Place]
// before it returns where it has no transaction around it.
func WithOutside(out Outside) Option {
	return func(o *options) error { o.keptIn = out; return present("outside", out != nil) }
}

// Folder keeps files in a folder, one for each tenant, replaced as a whole.
func Folder(path string) Outside { return folder(path) }

type folder string

func (f folder) Keep(_ context.Context, name string, kept []byte) error {
	path := filepath.Join(string(f), name)
	if err := writeFile(path+".new", kept); err != nil {
		return fmt.Errorf("retention: keep: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("retention: keep: %w", err)
	}
	dir, err := os.Open(string(f))
	if err != nil {
		return fmt.Errorf("retention: keep: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func writeFile(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

func (f folder) Kept(context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		entries, err := os.ReadDir(string(f))
		if err != nil {
			yield(nil, fmt.Errorf("retention: read what is kept: %w", err))
			return
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || filepath.Ext(e.Name()) == ".new" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(string(f), e.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if !yield(text, err) || err != nil {
				return
			}
		}
	}
}

// kept is what is kept of a tenant: docs/formats/retention.md.
type kept struct {
	Tenant troth.Tenant `json:"tenant"`
	Number int64        `json:"number"`
	Holds  []HoldRow    `json:"holds,omitempty"`
	// Controls are open exceptions and erasures, Policies the platform's.
	Controls []ControlRow `json:"controls,omitempty"`
	Policies []PolicyRow  `json:"policies,omitempty"`
}

// keptFile is that with its MAC.
type keptFile struct {
	Kept json.RawMessage `json:"kept"`
	MAC  []byte          `json:"mac"`
}

const keptDomain = "troth.retention.kept/1"

func keptMessage(body []byte) []byte {
	return canon.AppendBytes(canon.AppendDomain(nil, keptDomain), body)
}

// nameOutside names a tenant where it is kept.
func nameOutside(tenant troth.Tenant) string { return hex.EncodeToString(digest([]byte(tenant))) }

// seen is the highest number of a tenant's seal that was kept outside.
func (k *Keeper) seen(tenant troth.Tenant) int64 {
	n, _ := k.numbers.Load(tenant)
	number, _ := n.(int64)
	return number
}

// behind reports whether a seal is older than what was kept outside.
func (k *Keeper) behind(tenant troth.Tenant, number int64) bool { return number < k.seen(tenant) }

// lookOutside reads what is kept, and notes the numbers.
func (k *Keeper) lookOutside(ctx context.Context, each func(kept *kept) error) error {
	if k.opt.keptIn == nil {
		return nil
	}
	if k.opt.keys == nil {
		return errors.New("retention: WithOutside needs WithKeys")
	}
	for text, err := range k.opt.keptIn.Kept(ctx) {
		if err != nil {
			return err
		}
		one, err := k.readKept(ctx, text)
		if err != nil {
			return err
		}
		if k.behind(one.Tenant, one.Number) {
			continue
		}
		k.numbers.Store(one.Tenant, one.Number)
		if each != nil {
			if err := each(one); err != nil {
				return err
			}
		}
	}
	return nil
}

// ErrOutside says that what is kept outside is not what a keeper wrote.
var ErrOutside = errors.New("retention: what is kept outside cannot be read")

func (k *Keeper) readKept(ctx context.Context, text []byte) (*kept, error) {
	var file keptFile
	var one kept
	if json.Unmarshal(text, &file) != nil || json.Unmarshal(file.Kept, &one) != nil {
		return nil, ErrOutside
	}
	if fits, err := k.authentic(ctx, keptMessage(file.Kept), file.MAC); err != nil || !fits {
		return nil, errors.Join(ErrOutside, err)
	}
	return &one, nil
}

// keepOutside writes what has changed since it was kept.
func (k *Keeper) keepOutside(ctx context.Context, now time.Time) error {
	if k.opt.keptIn == nil {
		return nil
	}
	rows, err := k.store.DueControls(ctx, ControlSeal, now.UnixMicro(), k.opt.batch)
	if err != nil {
		return fmt.Errorf("retention: look for seals: %w", err)
	}
	for _, row := range rows {
		err := k.keepTenant(ctx, row.Tenant)
		if _, bad := errors.AsType[*TamperedError](err); bad {
			k.log.Error("retention: what was changed is not kept outside", zap.String("tenant", string(row.Tenant)), zap.Error(err))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// kept at once, where no transaction is around.
func (k *Keeper) keepNow(ctx context.Context, tenant troth.Tenant) {
	if k.opt.keptIn == nil || k.tx.Scope(ctx) != nil {
		return
	}
	if err := k.keepTenant(ctx, tenant); err != nil {
		k.log.Warn("retention: not kept outside yet, the next sweep tries again", zap.String("tenant", string(tenant)), zap.Error(err))
	}
}

// keepTenant keeps a tenant's rows, while nobody can change them: so what is kept is
// never older than what was kept before.
func (k *Keeper) keepTenant(ctx context.Context, tenant troth.Tenant) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, tenant, true); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		s, row, found, err := k.readSeal(ctx, tenant)
		if err != nil || !found || row.DueAt == 0 {
			return err
		}
		one := kept{Tenant: tenant, Number: s.Number}
		rows, err := k.sealable(ctx, tenant)
		if err != nil {
			return err
		}
		if err := k.checkSeal(ctx, tenant, rows, sealedHold, ControlException, sealedPolicy); err != nil {
			return err
		}
		if one.Holds, err = k.store.ActiveHolds(ctx, tenant); err != nil {
			return fmt.Errorf("retention: read holds: %w", err)
		}
		if one.Policies, err = k.store.Policies(ctx, tenant, 0); err != nil {
			return fmt.Errorf("retention: read policies: %w", err)
		}
		for _, kind := range []string{ControlException, ControlErasure} {
			rows, err := k.store.OpenControls(ctx, tenant, kind)
			if err != nil {
				return fmt.Errorf("retention: read control rows: %w", err)
			}
			one.Controls = append(one.Controls, rows...)
		}
		text, err := k.writeKept(ctx, &one)
		if err != nil {
			return err
		}
		if err := k.opt.keptIn.Keep(ctx, nameOutside(tenant), text); err != nil {
			return err
		}
		k.numbers.Store(tenant, s.Number)
		row.DueAt = 0
		if err := k.store.PutControl(ctx, row); err != nil {
			return fmt.Errorf("retention: write seal: %w", err)
		}
		return nil
	})
}

func (k *Keeper) writeKept(ctx context.Context, one *kept) ([]byte, error) {
	var file keptFile
	var err error
	if file.Kept, err = json.Marshal(one); err != nil {
		return nil, fmt.Errorf("retention: keep: %w", err)
	}
	if file.MAC, err = k.tag(ctx, keptMessage(file.Kept)); err != nil {
		return nil, err
	}
	return json.Marshal(file)
}

// touchSeal gives the tenant's seal its next number, so that what was decided beside it is
// kept outside, and noticed if it is missing.
func (k *Keeper) touchSeal(ctx context.Context, tenant troth.Tenant) error {
	if k.opt.keptIn == nil {
		return nil
	}
	if err := k.store.LockTenant(ctx, tenant, true); err != nil {
		return fmt.Errorf("retention: lock tenant: %w", err)
	}
	s, row, found, err := k.readSeal(ctx, tenant)
	if err != nil {
		return err
	}
	return k.putSeal(ctx, s, &row, found)
}

// PutBack is what [Keeper.PutBack] put back.
type PutBack struct {
	// Tenants were behind. The others were missing or older.
	Tenants, Holds, Exceptions, Erasures, Policies int
}

// PutBack puts back what is kept outside and the database does not have, after an older
// copy of it was restored: holds, exceptions, granted erasures and versions of the policy.
// A hold that was released since the copy was made is in force again, and counsel
// releases it again. It is recorded for each tenant. Records that an erasure destroyed since the copy was made are
// there again, and due.
func (k *Keeper) PutBack(ctx context.Context) (done PutBack, err error) {
	if k.opt.keptIn == nil {
		return done, nil
	}
	ctx = k.tx.Detach(ctx)
	err = k.lookOutside(ctx, func(one *kept) error {
		var part PutBack
		err := k.tx.Atomically(ctx, func(ctx context.Context) error {
			part = PutBack{}
			return k.putBack(ctx, one, &part)
		})
		if err == nil {
			done.Tenants += part.Tenants
			done.Holds += part.Holds
			done.Exceptions += part.Exceptions
			done.Erasures += part.Erasures
			done.Policies += part.Policies
		}
		return err
	})
	return done, err
}

func (k *Keeper) putBack(ctx context.Context, one *kept, done *PutBack) error {
	if err := k.store.LockTenant(ctx, one.Tenant, true); err != nil {
		return fmt.Errorf("retention: lock tenant: %w", err)
	}
	s, stored, found, err := k.readSeal(ctx, one.Tenant)
	if err != nil || s.Number >= one.Number {
		return err
	}
	rows, err := k.sealable(ctx, one.Tenant)
	if err != nil {
		return err
	}
	// What is there must be as it was sealed when the copy was made.
	if bad := compareSeal(s.Rows, rows, []string{sealedHold, ControlException, sealedPolicy}); len(bad) > 0 {
		return &TamperedError{one.Tenant, bad}
	}
	done.Tenants++
	for i := range one.Holds {
		if err := k.holdBack(ctx, &one.Holds[i], done); err != nil {
			return err
		}
	}
	for i := range one.Policies {
		inserted, err := k.store.InsertPolicy(ctx, one.Policies[i])
		if err != nil {
			return fmt.Errorf("retention: write policy: %w", err)
		}
		if inserted {
			done.Policies++
		}
	}
	for i := range one.Controls {
		if err := k.controlBack(ctx, &one.Controls[i], done); err != nil {
			return err
		}
	}
	if s.Rows, err = k.sealable(ctx, one.Tenant); err != nil {
		return err
	}
	s.Number = one.Number
	if err := k.putSeal(ctx, s, &stored, found); err != nil {
		return err
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		ctx = troth.WithActor(ctx, self)
	}
	return k.record(ctx, troth.Entry{Act: actPutBack, Tenant: one.Tenant, Facts: troth.Facts{
		"holds": troth.Count(done.Holds), "exceptions": troth.Count(done.Exceptions), "erasures": troth.Count(done.Erasures),
		"policies": troth.Count(done.Policies),
	}})
}

func (k *Keeper) holdBack(ctx context.Context, row *HoldRow, done *PutBack) error {
	old, found, err := k.store.Hold(ctx, row.Tenant, row.ID)
	switch {
	case err != nil:
		return fmt.Errorf("retention: read hold: %w", err)
	case !found:
		_, err = k.store.InsertHold(ctx, *row)
	case !bytes.Equal(old.sealed().Hash, row.sealed().Hash):
		err = k.store.PutHold(ctx, *row)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("retention: write hold: %w", err)
	}
	done.Holds++
	return nil
}

func (k *Keeper) controlBack(ctx context.Context, row *ControlRow, done *PutBack) error {
	old, found, err := k.store.Control(ctx, row.ControlKey)
	back := *row
	count := &done.Exceptions
	if row.Kind == ControlErasure {
		count = &done.Erasures
		back.DueAt, back.State = atOnce, []byte("{}") // it goes through all records again
	}
	switch {
	case err != nil:
		return fmt.Errorf("retention: read control row: %w", err)
	case !found:
		_, err = k.store.InsertControl(ctx, back)
	case row.Kind == ControlException && !bytes.Equal(old.Body, row.Body):
		err = k.store.PutControl(ctx, back)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("retention: write control row: %w", err)
	}
	*count++
	return nil
}
