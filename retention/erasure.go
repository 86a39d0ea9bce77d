package retention

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// ErasureGrant is an erasure that a person was granted: everything about them within its
// scope that was there when it was decided is due at once. Only holds and obligations
// keep it.
type ErasureGrant struct {
	Tenant troth.Tenant
	// Request names the request, and is opaque.
	Request   string
	SubjectID string
	// Classes and Types limit it to classes and record types, either of which is enough.
	// Empty is everything about the person.
	Classes, Types []string
	// At is when it was decided; zero is now. What came to be later is not meant.
	At time.Time
	// By is when it must be done everywhere; zero if that is not said.
	By time.Time
}

func (g *ErasureGrant) validate() error {
	if err := (troth.Subject{Tenant: g.Tenant, ID: g.SubjectID}).Validate(); err != nil {
		return err
	}
	if err := checkName("request", g.Request); err != nil {
		return err
	}
	for _, words := range [][]string{g.Classes, g.Types} {
		if len(words) > maxWords {
			return ErrExtent
		}
		for _, w := range words {
			if err := checkName("class or record type", w); err != nil {
				return err
			}
		}
	}
	if !g.By.IsZero() && g.By.Before(g.At) {
		return ErrExtent
	}
	return nil
}

// storedErasure is the body of its row: docs/formats/retention.md.
type storedErasure struct {
	SubjectID string   `json:"subject"`
	Classes   []string `json:"classes,omitempty"`
	Types     []string `json:"types,omitempty"`
	At        int64    `json:"at"`
	By        int64    `json:"by,omitempty"`
	GrantedAt int64    `json:"granted_at"`
}

// erasureProgress is the state of its row.
type erasureProgress struct {
	// Passes counts the ways through the person's records. AfterType and AfterID are
	// where the one that is under way stands, Left says that it found some.
	Passes    int    `json:"passes,omitempty"`
	AfterType string `json:"after_type,omitempty"`
	AfterID   string `json:"after_id,omitempty"`
	Left      bool   `json:"left,omitempty"`
	// Destroyed and Anonymised count records, Gone is when their last copy is gone.
	Destroyed  int64 `json:"destroyed,omitempty"`
	Anonymised int64 `json:"anonymised,omitempty"`
	Gone       int64 `json:"gone,omitempty"`
	FinishedAt int64 `json:"finished_at,omitempty"`
}

func (s *erasureProgress) of(row *ControlRow) error {
	*s = erasureProgress{}
	if len(row.State) > MaxControl || json.Unmarshal(row.State, s) != nil {
		return fmt.Errorf("%w: erasure %q", ErrRecord, row.ID)
	}
	return nil
}

func (s *erasureProgress) to(row *ControlRow) (err error) {
	row.State, err = json.Marshal(s)
	return err
}

// grantedErasure is one that evaluation reads.
type grantedErasure struct {
	Erasure
	classes, types []string
}

// covers reports whether the erasure is about a record of the person: it must be known
// that it is.
func (g *grantedErasure) covers(row *RecordRow) bool {
	if row.Created == 0 || row.Created > g.At.UnixMicro() {
		return false
	}
	return len(g.classes) == 0 && len(g.types) == 0 || slices.Contains(g.classes, row.Class) || slices.Contains(g.types, row.Type)
}

func decodeErasure(row *ControlRow) (g grantedErasure, s storedErasure, err error) {
	if err := decodeStored(row, &s); err != nil {
		return g, s, err
	}
	if s.SubjectID == "" || s.At == 0 {
		return g, s, fmt.Errorf("%w: erasure %q", ErrRecord, row.ID)
	}
	return grantedErasure{
		Erasure: Erasure{Request: row.ID, At: timeOf(s.At), By: timeOf(s.By)}, classes: s.Classes, types: s.Types,
	}, s, nil
}

// readErasures reads the tenant's open erasures.
func (k *Keeper) readErasures(ctx context.Context, tenant troth.Tenant, x *holdIndex) error {
	rows, err := k.store.OpenControls(ctx, tenant, ControlErasure)
	if err != nil {
		return fmt.Errorf("retention: read erasures: %w", err)
	}
	for i := range rows {
		g, s, err := decodeErasure(&rows[i])
		if err != nil {
			return err
		}
		fits, err := k.authentic(ctx, rows[i].message(), rows[i].MAC)
		if err != nil {
			return err
		}
		if !fits {
			k.log.Error("retention: an erasure was granted by nobody", zap.String("tenant", string(tenant)), zap.String("request", rows[i].ID))
			if x.unsure == nil {
				x.unsure = map[string]bool{}
			}
			x.unsure[s.SubjectID] = true
			continue
		}
		if x.erasures == nil {
			x.erasures = map[string][]grantedErasure{}
		}
		x.erasures[s.SubjectID] = append(x.erasures[s.SubjectID], g)
	}
	return nil
}

// GrantErasure puts on record that a person was granted an erasure, in the caller's
// transaction: all of their records in its scope are due now, and are destroyed by the
// next sweeps. What a hold or an obligation keeps goes by itself when that ends. The
// decision is the context's actor's: of a service of the host or the tenant, or a person's
// with the role of [WithDesk] or the data-protection officer's. Granting the same again changes nothing.
//
// [Keeper.Erasure] tells what became of it. Data that is no record of the policy, such
// as a person's keys, is for the caller: see [Keeper.Permit].
func (k *Keeper) GrantErasure(ctx context.Context, g ErasureGrant) error {
	now := k.now()
	if g.At.IsZero() {
		g.At = now
	}
	if g.At = timeOf(g.At.UnixMicro()); g.At.After(now) {
		return ErrFuture
	}
	if err := g.validate(); err != nil {
		return err
	}
	if err := k.mayGrant(ctx, g.Tenant); err != nil {
		return err
	}
	s := storedErasure{
		SubjectID: g.SubjectID, At: g.At.UnixMicro(), By: microsOf(g.By), GrantedAt: now.UnixMicro(),
		Classes: slices.Compact(slices.Sorted(slices.Values(g.Classes))), Types: slices.Compact(slices.Sorted(slices.Values(g.Types))),
	}
	row := ControlRow{ControlKey: ControlKey{g.Tenant, ControlErasure, g.Request}, Open: true, DueAt: atOnce, State: []byte("{}")}
	var err error
	if row.Body, err = json.Marshal(s); err != nil {
		return fmt.Errorf("retention: erasure: %w", err)
	}
	if row.MAC, err = k.tag(ctx, row.message()); err != nil {
		return err
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		inserted, err := k.store.InsertControl(ctx, row)
		if err != nil {
			return fmt.Errorf("retention: write erasure: %w", err)
		}
		if !inserted {
			return k.sameErasure(ctx, &row, s)
		}
		if err := k.touchSeal(ctx, g.Tenant); err != nil {
			return err
		}
		return k.record(ctx, grantEntry(&row, &s))
	})
}

// mayGrant demands an actor who can decide on a request.
func (k *Keeper) mayGrant(ctx context.Context, tenant troth.Tenant) error {
	a, err := troth.ActorFrom(ctx)
	if err != nil {
		return err
	}
	ours := a.Home() == troth.Platform || a.Home() == tenant
	if a.Kind == troth.Service && ours || k.person(ctx, tenant, k.opt.desk) == nil {
		return nil
	}
	return k.person(ctx, tenant, k.opt.officer)
}

// sameErasure returns ErrConflict unless what is stored is what is granted. That it was
// decided now, or then, makes no difference.
func (k *Keeper) sameErasure(ctx context.Context, row *ControlRow, s storedErasure) error {
	old, _, err := k.store.Control(ctx, row.ControlKey)
	if err != nil {
		return fmt.Errorf("retention: read erasure: %w", err)
	}
	_, was, err := decodeErasure(&old)
	if err != nil {
		return err
	}
	if was.SubjectID != s.SubjectID || was.By != s.By || !slices.Equal(was.Classes, s.Classes) || !slices.Equal(was.Types, s.Types) {
		return ErrConflict
	}
	return nil
}

func grantEntry(row *ControlRow, s *storedErasure) troth.Entry {
	e := troth.Entry{Act: actGrantErasure, Tenant: row.Tenant, SubjectID: s.SubjectID, Facts: troth.Facts{
		"request": troth.Word(row.ID), "decided": troth.Instant(timeOf(s.At)),
	}}
	if s.By != 0 {
		e.Facts["by"] = troth.Instant(timeOf(s.By))
	}
	if len(s.Classes) > 0 {
		e.Facts["classes"] = troth.Words(s.Classes...)
	}
	if len(s.Types) > 0 {
		e.Facts["types"] = troth.Words(s.Types...)
	}
	return e
}
