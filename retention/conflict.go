package retention

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// WorkConflict is the kind of work that a conflict is for the data-protection officer:
// [Keeper.Do] hands it to a person until the conflict is decided.
const WorkConflict = "retention.conflict"

// Conflict is what must be kept against what was promised or granted, in one class: a
// hold, an obligation or an exception on the one side, a promise or an erasure on the
// other. However many records it is about, and however often a sweep meets it, it is one.
type Conflict struct {
	Tenant troth.Tenant
	// ID names it. It is not about a person.
	ID    string
	Class string
	// Keeps and Against are the two. Of their parts Ground, Rule and Cite are set: neither
	// the matter of a hold nor a date of a record is.
	Keeps, Against Reason
	// FoundAt is when a sweep met it first.
	FoundAt time.Time
	// DecidedAt, Decision and Reference are what was decided; zero before.
	DecidedAt time.Time
	Decision  ConflictDecision
	Reference string
}

// ConflictDecision is what the data-protection officer decides about a conflict. It
// changes no hold and no policy: it says what is to be done, and that somebody looked.
type ConflictDecision string

const (
	// KeepAndTell: what must be kept stays, and those who were promised something are
	// told.
	KeepAndTell ConflictDecision = "keep-and-tell"
	// EndWhatKeeps: the hold is to be released, or the exception ended.
	EndWhatKeeps ConflictDecision = "end-what-keeps"
	// AmendPolicy: the promise is to make exception for it, or the policy to change.
	AmendPolicy ConflictDecision = "amend-policy"
)

// ErrDecision says that a decision is none of those that there are.
var ErrDecision = fmt.Errorf("retention: no such decision")

// storedConflict is the body of its row, conflictState its state.
type storedConflict struct {
	Class   string         `json:"class"`
	Keeps   conflictReason `json:"keeps"`
	Against conflictReason `json:"against"`
	FoundAt int64          `json:"found_at"`
}

type conflictReason struct {
	Ground string `json:"ground"`
	Rule   string `json:"rule"`
	Cite   string `json:"cite,omitempty"`
}

type conflictState struct {
	DecidedAt int64  `json:"decided_at,omitempty"`
	Decision  string `json:"decision,omitempty"`
	Reference string `json:"reference,omitempty"`
}

func (r Reason) stored() conflictReason { return conflictReason{string(r.Ground), r.Rule, r.Cite} }

func (r conflictReason) reason() Reason {
	return Reason{Ground: Ground(r.Ground), Rule: r.Rule, Cite: r.Cite}
}

const conflictDomain = "troth.retention.conflict/1"

// conflictID is the same for the same two in a class.
func conflictID(d *Decision) string {
	b := canon.AppendDomain(nil, conflictDomain)
	for _, s := range []string{d.Class, string(d.Keeps.Ground), d.Keeps.Rule, string(d.Against.Ground), d.Against.Rule} {
		b = canon.AppendText(b, s)
	}
	return hex.EncodeToString(digest(b)[:16])
}

// raise puts conflicts that are new on record, in the transaction that met them.
func (k *Keeper) raise(ctx context.Context, tenant troth.Tenant, met []Decision) error {
	known := map[string]bool{}
	for i := range met {
		d := &met[i]
		id := conflictID(d)
		if known[id] {
			continue
		}
		known[id] = true
		row := ControlRow{ControlKey: ControlKey{tenant, ControlConflict, id}, Open: true, DueAt: atOnce, State: []byte("{}")}
		_, found, err := k.store.Control(ctx, row.ControlKey)
		if err != nil {
			return fmt.Errorf("retention: read conflict: %w", err)
		}
		if found {
			continue
		}
		s := storedConflict{Class: d.Class, Keeps: d.Keeps.stored(), Against: d.Against.stored(), FoundAt: k.now().UnixMicro()}
		if row.Body, err = json.Marshal(s); err != nil {
			return fmt.Errorf("retention: conflict: %w", err)
		}
		inserted, err := k.store.InsertControl(ctx, row)
		if err != nil {
			return fmt.Errorf("retention: write conflict: %w", err)
		}
		if !inserted {
			continue
		}
		k.log.Warn("retention: a conflict is for the data-protection officer", zap.String("tenant", string(tenant)), zap.String("conflict", id))
		if err := k.record(ctx, conflictEntry(actConflict, &row, &s)); err != nil {
			return err
		}
	}
	return nil
}

// conflictWork is the payload of the work.
type conflictWork struct {
	Tenant   troth.Tenant `json:"tenant"`
	Conflict string       `json:"conflict"`
}

// sweepConflicts makes work of conflicts that are not yet. A queue that refuses it holds
// up nothing else, and is asked again by the next sweep.
func (k *Keeper) sweepConflicts(ctx context.Context, now time.Time) error {
	if k.opt.tasks == nil {
		return nil
	}
	rows, err := k.store.DueControls(ctx, ControlConflict, now.UnixMicro(), k.opt.batch)
	if err != nil {
		return fmt.Errorf("retention: look for conflicts: %w", err)
	}
	for _, row := range rows {
		err := k.tx.Atomically(ctx, func(ctx context.Context) error { return k.assign(ctx, row.ControlKey) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			k.log.Error("retention: a conflict is nobody's task yet, which is tried again",
				zap.String("tenant", string(row.Tenant)), zap.String("conflict", row.ID), zap.Error(err))
		}
	}
	return nil
}

// assign enqueues the work of a conflict.
func (k *Keeper) assign(ctx context.Context, key ControlKey) error {
	row, found, err := k.store.LockControl(ctx, key)
	if err != nil {
		return fmt.Errorf("retention: lock conflict: %w", err)
	}
	if !found || row.DueAt == 0 {
		return nil // somebody else did
	}
	row.DueAt = 0
	if err := k.store.PutControl(ctx, row); err != nil {
		return fmt.Errorf("retention: write conflict: %w", err)
	}
	payload, err := json.Marshal(conflictWork{row.Tenant, row.ID})
	if err != nil {
		return fmt.Errorf("retention: conflict: %w", err)
	}
	if _, err := k.opt.tasks.Enqueue(ctx, troth.Work{Tenant: row.Tenant, Kind: WorkConflict, Key: row.ID, Payload: payload}); err != nil {
		return fmt.Errorf("retention: enqueue %s: %w", WorkConflict, err)
	}
	return nil
}

func conflictEntry(act *troth.Act, row *ControlRow, s *storedConflict) troth.Entry {
	return troth.Entry{Act: act, Tenant: row.Tenant, Facts: troth.Facts{
		"conflict": troth.ID(row.ID), "class": troth.Word(s.Class),
		"keeps": troth.Word(s.Keeps.Ground), "rule": troth.Word(s.Keeps.Rule),
		"against": troth.Word(s.Against.Ground), "promise": troth.Word(s.Against.Rule),
	}}
}

// doConflict is the work: a person's, until the conflict is decided.
func doConflict(ctx context.Context, k *Keeper, j troth.Job) (troth.Outcome, error) {
	var w conflictWork
	if json.Unmarshal(j.Payload, &w) != nil || w.Tenant != j.Ref.Tenant {
		return troth.Failed, errPayload
	}
	row, found, err := k.store.Control(ctx, ControlKey{w.Tenant, ControlConflict, w.Conflict})
	switch {
	case err != nil:
		return troth.Retry, fmt.Errorf("retention: read conflict: %w", err)
	case !found:
		return troth.Failed, ErrNotFound
	case row.Open:
		return troth.Manual, nil
	}
	return troth.Completed, nil
}

// DecideConflict records the decision of the data-protection officer about a conflict, and
// closes it: its work is completed when it is run again. The reference is where it is
// written, and may be empty; it must not be about a person. Deciding the same again changes
// nothing.
func (k *Keeper) DecideConflict(ctx context.Context, tenant troth.Tenant, id string, what ConflictDecision, reference string) error {
	if err := k.person(ctx, tenant, k.opt.officer); err != nil {
		return err
	}
	switch what {
	case KeepAndTell, EndWhatKeeps, AmendPolicy:
	default:
		return ErrDecision
	}
	if reference != "" {
		if err := checkName("reference", reference); err != nil {
			return err
		}
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := k.store.LockControl(ctx, ControlKey{tenant, ControlConflict, id})
		if err != nil {
			return fmt.Errorf("retention: lock conflict: %w", err)
		}
		if !found {
			return ErrNotFound
		}
		c, err := decodeConflict(&row)
		if err != nil {
			return err
		}
		if !row.Open {
			if c.Decision == what && c.Reference == reference {
				return nil
			}
			return ErrConflict
		}
		row.Open = false
		if row.State, err = json.Marshal(conflictState{k.now().UnixMicro(), string(what), reference}); err != nil {
			return fmt.Errorf("retention: conflict: %w", err)
		}
		if err := k.store.PutControl(ctx, row); err != nil {
			return fmt.Errorf("retention: write conflict: %w", err)
		}
		e := conflictEntry(actDecide, &row, &storedConflict{Class: c.Class, Keeps: c.Keeps.stored(), Against: c.Against.stored()})
		e.Facts["decision"] = troth.Word(string(what))
		if reference != "" {
			e.Facts["reference"] = troth.Word(reference)
		}
		return k.record(ctx, e)
	})
}

func decodeConflict(row *ControlRow) (c Conflict, err error) {
	var s storedConflict
	if err := decodeStored(row, &s); err != nil {
		return c, err
	}
	var state conflictState
	if json.Unmarshal(row.State, &state) != nil {
		return c, fmt.Errorf("%w: conflict %q", ErrRecord, row.ID)
	}
	return Conflict{
		Tenant: row.Tenant, ID: row.ID, Class: s.Class, Keeps: s.Keeps.reason(), Against: s.Against.reason(),
		FoundAt: timeOf(s.FoundAt), DecidedAt: timeOf(state.DecidedAt),
		Decision: ConflictDecision(state.Decision), Reference: state.Reference,
	}, nil
}

// Conflicts returns the tenant's conflicts that nobody has decided, ordered by id.
func (k *Keeper) Conflicts(ctx context.Context, tenant troth.Tenant) ([]Conflict, error) {
	rows, err := k.store.OpenControls(ctx, tenant, ControlConflict)
	if err != nil {
		return nil, fmt.Errorf("retention: read conflicts: %w", err)
	}
	var all []Conflict
	for i := range rows {
		c, err := decodeConflict(&rows[i])
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
