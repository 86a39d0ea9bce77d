package retention

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// WithKeys has all that permits destroying, and all that forbids it, authenticated under
// a key that the database does not hold: holds, their releases, exceptions, granted
// erasures, policies, approvals of plans, and warrants. What somebody changed there past the keeper is named, and
// nothing that it could be about is destroyed. Give it from the first start on: what
// was stored without keys is refused with them. Without it the keeper believes the
// database.
func WithKeys(keys troth.Keys) Option {
	return func(o *options) error { o.keys = keys; return present("keys", keys != nil) }
}

// controlKey is the platform's: what is authenticated outlives a tenant's keys.
var controlKey = troth.KeyRef{Tenant: troth.Platform, Use: "retention.control", ID: "1"}

const (
	sealDomain    = "troth.retention.seal/1"
	holdDomain    = "troth.retention.hold/1"
	controlDomain = "troth.retention.control/1"
	policyDomain  = "troth.retention.policyrow/1"
	warrantDomain = "troth.retention.warrant/1"
	planRowDomain = "troth.retention.planrow/1"
)

// tag authenticates a message; nothing where the keeper has no keys.
func (k *Keeper) tag(ctx context.Context, message []byte) ([]byte, error) {
	if k.opt.keys == nil {
		return nil, nil
	}
	mac, err := k.opt.keys.MAC(ctx, controlKey, message)
	if err != nil {
		return nil, fmt.Errorf("retention: authenticate: %w", err)
	}
	return mac[:], nil
}

// authentic reports whether a keeper wrote a message; everything is where it has no
// keys.
func (k *Keeper) authentic(ctx context.Context, message, mac []byte) (bool, error) {
	want, err := k.tag(ctx, message)
	return hmac.Equal(want, mac) || k.opt.keys == nil, err
}

// sealedRow is one row that a seal is over.
type sealedRow struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Hash []byte `json:"hash"`
}

func (r sealedRow) compare(b sealedRow) int {
	return cmp.Or(cmp.Compare(r.Kind, b.Kind), cmp.Compare(r.ID, b.ID))
}

// seal is a tenant's: the list of all rows that forbid destroying, and the policies of
// the platform. Number counts its changes.
type seal struct {
	Number int64       `json:"number"`
	Rows   []sealedRow `json:"rows"`
	// Accepted are disagreements with the trail that counsel and the officer accepted.
	Accepted []string `json:"accepted,omitempty"`
}

// Kinds of sealed rows beside those of control rows.
const (
	sealedHold   = "hold"
	sealedPolicy = "policy"
	// sealedWarrant and sealedPlan name rows that have a MAC each, and are in no seal.
	sealedWarrant = "warrant"
	sealedPlan    = "plan"
	// sealedStop names stops where they are compared with the trail: no seal is over
	// them, since who stops waits for nobody.
	sealedStop = "stop"
)

func digest(message []byte) []byte {
	sum := sha256.Sum256(message)
	return sum[:]
}

func (row *HoldRow) sealed() sealedRow {
	b := canon.AppendDomain(nil, holdDomain)
	b = canon.AppendText(b, row.Tenant)
	for _, s := range []string{row.ID, row.Matter, row.SubjectID, row.Class} {
		b = canon.AppendText(b, s)
	}
	for _, n := range []int64{row.From, row.To, row.PlacedAt, row.ReviewAt, row.ProposedAt, row.ReleasedAt} {
		b = canon.AppendInt(b, n)
	}
	b = canon.AppendBytes(b, row.Proposer)
	b = canon.AppendBytes(b, row.Where)
	return sealedRow{sealedHold, row.ID, digest(b)}
}

// message is what of a control row is authenticated: not its state.
func (row *ControlRow) message() []byte {
	b := canon.AppendDomain(nil, controlDomain)
	b = canon.AppendText(b, row.Tenant)
	b = canon.AppendText(b, row.Kind)
	b = canon.AppendText(b, row.ID)
	return canon.AppendBytes(b, row.Body)
}

func (row *ControlRow) sealed() sealedRow {
	return sealedRow{row.Kind, row.ID, digest(row.message())}
}

func (row *PolicyRow) sealed() sealedRow {
	b := canon.AppendDomain(nil, policyDomain)
	b = canon.AppendText(b, row.Tenant)
	b = canon.AppendUint(b, uint64(row.Version))
	b = canon.AppendBytes(b, row.Hash[:])
	b = canon.AppendInt(b, row.ActivatedAt)
	return sealedRow{sealedPolicy, strconv.FormatUint(uint64(row.Version), 10), digest(b)}
}

// message is what of a warrant is authenticated: not when to look at it again.
func (row *WarrantRow) message() []byte {
	b := canon.AppendDomain(nil, warrantDomain)
	b = canon.AppendText(b, row.Tenant)
	for _, s := range []string{
		row.ID, row.Handle, row.Type, row.RecordID, row.SubjectID, row.Class, row.Stage, string(row.End), string(row.Ground), row.Rule,
		string(row.Deferred),
	} {
		b = canon.AppendText(b, s)
	}
	b = canon.AppendUint(b, uint64(row.Version))
	b = canon.AppendBytes(b, row.Policy[:])
	waits := int64(0)
	if row.Waits {
		waits = 1
	}
	for _, n := range []int64{row.Created, row.At, row.GoneBy, waits, row.Gone, int64(row.Alarmed)} {
		b = canon.AppendInt(b, n)
	}
	b = canon.AppendBytes(b, row.Entry[:])
	return canon.AppendBytes(b, row.Detail)
}

// message is what of a plan's row is authenticated: who proposed it, that it was approved,
// and what was spent of it. The hash stands for its text.
func (row *PlanRow) message() []byte {
	b := canon.AppendDomain(nil, planRowDomain)
	b = canon.AppendText(b, row.Tenant)
	b = canon.AppendBytes(b, row.Hash[:])
	b = canon.AppendBytes(b, row.Proposer)
	for _, n := range []int64{row.ProposedAt, row.ApprovedAt, row.EndedAt, int64(len(row.Spent))} {
		b = canon.AppendInt(b, n)
	}
	for _, n := range row.Spent {
		b = canon.AppendInt(b, n)
	}
	return b
}

func sealMessage(row *ControlRow) []byte {
	b := canon.AppendDomain(nil, sealDomain)
	b = canon.AppendText(b, row.Tenant)
	return canon.AppendBytes(b, row.Body)
}

func sealKey(tenant troth.Tenant) ControlKey { return ControlKey{tenant, ControlSeal, "1"} }

// readSeal reads a tenant's seal; found is false for a tenant that has none. It returns a
// *[TamperedError] for one that no keeper wrote.
func (k *Keeper) readSeal(ctx context.Context, tenant troth.Tenant) (s seal, row ControlRow, found bool, err error) {
	row, found, err = k.store.Control(ctx, sealKey(tenant))
	if err != nil {
		return s, row, found, fmt.Errorf("retention: read seal: %w", err)
	}
	if !found {
		return s, ControlRow{ControlKey: sealKey(tenant), Open: true}, false, nil
	}
	fits, err := k.authentic(ctx, sealMessage(&row), row.MAC)
	if err != nil {
		return s, row, true, err
	}
	if !fits || decodeStored(&row, &s) != nil {
		return seal{}, row, true, &TamperedError{tenant, []Tampering{{SealForged, ControlSeal, "1"}}}
	}
	return s, row, true, nil
}

// checkSeal compares the rows with the tenant's seal, of which it looks at these kinds.
func (k *Keeper) checkSeal(ctx context.Context, tenant troth.Tenant, rows []sealedRow, kinds ...string) error {
	if k.opt.keys == nil {
		return nil
	}
	s, _, found, err := k.readSeal(ctx, tenant)
	if err != nil {
		return err
	}
	if k.behind(tenant, s.Number) {
		return &TamperedError{tenant, []Tampering{{SealBehind, ControlSeal, "1"}}}
	}
	if !found && len(rows) > 0 {
		return &TamperedError{tenant, []Tampering{{SealMissing, ControlSeal, "1"}}}
	}
	if found := compareSeal(s.Rows, rows, kinds); len(found) > 0 {
		return &TamperedError{tenant, found}
	}
	return nil
}

// compareSeal names the rows in which what is sealed and what is there disagree.
func compareSeal(was, is []sealedRow, kinds []string) (found []Tampering) {
	is = slices.SortedFunc(slices.Values(is), sealedRow.compare)
	for _, w := range was {
		if !slices.Contains(kinds, w.Kind) {
			continue
		}
		i, there := slices.BinarySearchFunc(is, w, sealedRow.compare)
		switch {
		case !there:
			found = append(found, Tampering{RowMissing, w.Kind, w.ID})
		case !bytes.Equal(is[i].Hash, w.Hash):
			found = append(found, Tampering{RowChanged, w.Kind, w.ID})
		}
	}
	for _, r := range is {
		if !slices.ContainsFunc(was, func(w sealedRow) bool { return w.compare(r) == 0 }) {
			found = append(found, Tampering{RowForged, r.Kind, r.ID})
		}
	}
	return found
}

// fits returns a *[TamperedError] unless a row is as it was sealed: who changes it must
// not bless what somebody else did.
func (k *Keeper) fits(ctx context.Context, tenant troth.Tenant, row sealedRow) error {
	if k.opt.keys == nil {
		return nil
	}
	s, _, _, err := k.readSeal(ctx, tenant)
	if err != nil {
		return err
	}
	for _, w := range s.Rows {
		if w.compare(row) == 0 && bytes.Equal(w.Hash, row.Hash) {
			return nil
		}
	}
	return &TamperedError{tenant, []Tampering{{RowChanged, row.Kind, row.ID}}}
}

// reseal puts one row into the tenant's seal, or takes it out, and leaves what it says of
// others. The caller has the tenant alone. denies says that the row forbids: then it is
// no error that the seal cannot be read, since nothing is destroyed until it can.
func (k *Keeper) reseal(ctx context.Context, tenant troth.Tenant, row sealedRow, in, denies bool) error {
	if k.opt.keys == nil {
		return nil
	}
	s, stored, found, err := k.readSeal(ctx, tenant)
	if _, bad := errors.AsType[*TamperedError](err); bad && denies {
		return nil
	}
	if err != nil {
		return err
	}
	i, there := slices.BinarySearchFunc(s.Rows, row, sealedRow.compare)
	switch {
	case in && there:
		s.Rows[i] = row
	case in:
		s.Rows = slices.Insert(s.Rows, i, row)
	case there:
		s.Rows = slices.Delete(s.Rows, i, i+1)
	}
	return k.putSeal(ctx, s, &stored, found)
}

// putSeal writes a seal under the next number. One that is behind stays so: what is kept outside
// and missing here is put back by [Keeper.PutBack], whatever was decided meanwhile.
func (k *Keeper) putSeal(ctx context.Context, s seal, row *ControlRow, found bool) (err error) {
	if !k.behind(row.Tenant, s.Number) {
		s.Number++
	}
	if row.Body, err = json.Marshal(s); err != nil {
		return fmt.Errorf("retention: seal: %w", err)
	}
	if row.MAC, err = k.tag(ctx, sealMessage(row)); err != nil {
		return err
	}
	row.Open, row.DueAt = true, 0
	if k.opt.keptIn != nil {
		row.DueAt = atOnce // until it is kept outside
	}
	if !found {
		inserted, err := k.store.InsertControl(ctx, *row)
		if err == nil && !inserted {
			err = ErrRecord
		}
		if err != nil {
			return fmt.Errorf("retention: write seal: %w", err)
		}
		return nil
	}
	if err := k.store.PutControl(ctx, *row); err != nil {
		return fmt.Errorf("retention: write seal: %w", err)
	}
	return nil
}
