package retention

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// ExceptionReason is why something is kept for longer than the policy says.
type ExceptionReason string

const (
	// BecauseDispute: a complaint or claim is not settled, and no hold is placed for it.
	BecauseDispute ExceptionReason = "dispute"
	// BecauseInquiry: an authority or an auditor is looking into it.
	BecauseInquiry ExceptionReason = "inquiry"
	// BecauseSecurity: an incident is being investigated.
	BecauseSecurity ExceptionReason = "security"
	// BecauseTechnical: it cannot be destroyed yet without harm to other data.
	BecauseTechnical ExceptionReason = "technical"
	// BecauseRequest: the person whom it is about asked for it.
	BecauseRequest ExceptionReason = "request"
	// BecauseOther: as the reference says.
	BecauseOther ExceptionReason = "other"
)

func (r ExceptionReason) known() bool {
	switch r {
	case BecauseDispute, BecauseInquiry, BecauseSecurity, BecauseTechnical, BecauseRequest, BecauseOther:
		return true
	}
	return false
}

// ExceptionRecord is an exception on record: until its end, what it covers stays after
// the policy's own expiry. It puts off no erasure that was granted, no hiding, and no
// alarm: where a promise would be broken that is a conflict. See [Exception] for what
// evaluation makes of it.
type ExceptionRecord struct {
	Tenant troth.Tenant
	// ID names it. It must not be about a person.
	ID string
	// Reason is why. Reference is where it is written, such as the number of a case, and
	// is needed for [BecauseOther]. Neither may be about a person.
	Reason    ExceptionReason
	Reference string
	Extent
	// Until is when it ends, by itself.
	Until time.Time
	// ProposedAt, GrantedAt and EndedAt are set by the keeper.
	ProposedAt, GrantedAt, EndedAt time.Time
}

// InForce reports whether the exception counts at an instant.
func (x *ExceptionRecord) InForce(at time.Time) bool {
	return !x.GrantedAt.IsZero() && x.EndedAt.IsZero() && x.Until.After(at)
}

// storedException is the body of its row: docs/formats/retention.md.
type storedException struct {
	Reason     string          `json:"reason"`
	Reference  string          `json:"reference,omitempty"`
	SubjectID  string          `json:"subject,omitempty"`
	Class      string          `json:"class,omitempty"`
	From       int64           `json:"from,omitempty"`
	To         int64           `json:"to,omitempty"`
	Where      json.RawMessage `json:"where,omitempty"`
	Until      int64           `json:"until"`
	ProposedAt int64           `json:"proposed_at"`
	// Proposer tells who proposed it from others until it is granted; Roles are theirs.
	Proposer  []byte   `json:"proposer,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	GrantedAt int64    `json:"granted_at,omitempty"`
	EndedAt   int64    `json:"ended_at,omitempty"`
}

// Halves of an exception.
const (
	halfOfficer = "officer"
	halfCounsel = "counsel"
)

func (k *Keeper) exceptionRow(x *ExceptionRecord) (row ControlRow, s storedException, err error) {
	where, err := x.Where.encode()
	if err != nil {
		return row, s, fmt.Errorf("retention: exception: %w", err)
	}
	s = storedException{
		Reason: string(x.Reason), Reference: x.Reference, SubjectID: x.SubjectID, Class: x.Class,
		From: microsOf(x.From), To: microsOf(x.To), Where: where, Until: x.Until.UnixMicro(), ProposedAt: k.now().UnixMicro(),
	}
	return ControlRow{ControlKey: ControlKey{x.Tenant, ControlException, x.ID}, Open: true, DueAt: s.Until}, s, nil
}

// encodeTo writes the body of a row.
func (s *storedException) encodeTo(row *ControlRow) (err error) {
	row.Body, err = json.Marshal(s)
	return err
}

// decodeStored reads a body that was encoded as JSON, and nothing that encoding would
// not write.
func decodeStored[T any](row *ControlRow, stored *T) error {
	if len(row.Body) > MaxControl || json.Unmarshal(row.Body, stored) != nil {
		return fmt.Errorf("%w: %s %q", ErrRecord, row.Kind, row.ID)
	}
	if again, err := json.Marshal(stored); err != nil || !bytes.Equal(again, row.Body) {
		return fmt.Errorf("%w: %s %q", ErrRecord, row.Kind, row.ID)
	}
	return nil
}

func decodeException(row *ControlRow) (x ExceptionRecord, err error) {
	var s storedException
	if err := decodeStored(row, &s); err != nil {
		return x, err
	}
	where, err := decodeCondition(s.Where)
	if err != nil {
		return x, fmt.Errorf("%w: exception %q", ErrRecord, row.ID)
	}
	return ExceptionRecord{
		Tenant: row.Tenant, ID: row.ID, Reason: ExceptionReason(s.Reason), Reference: s.Reference,
		Extent: Extent{SubjectID: s.SubjectID, Class: s.Class, From: timeOf(s.From), To: timeOf(s.To), Where: where},
		Until:  timeOf(s.Until), ProposedAt: timeOf(s.ProposedAt), GrantedAt: timeOf(s.GrantedAt), EndedAt: timeOf(s.EndedAt),
	}, nil
}

func (k *Keeper) validException(x *ExceptionRecord) error {
	if err := x.Tenant.Validate(); err != nil {
		return err
	}
	if err := checkName("exception", x.ID); err != nil {
		return err
	}
	if x.Reference != "" {
		if err := checkName("reference", x.Reference); err != nil {
			return err
		}
	}
	if !x.Reason.known() || x.Reason == BecauseOther && x.Reference == "" || !x.Until.After(k.now()) {
		return ErrException
	}
	return x.validate(x.Tenant)
}

// halves are which halves of an exception the actor of ctx can be.
func (k *Keeper) halves(ctx context.Context, tenant troth.Tenant) (halves []string, err error) {
	officer, counsel := k.person(ctx, tenant, k.opt.officer), k.person(ctx, tenant, k.opt.counsel)
	if officer == nil {
		halves = append(halves, halfOfficer)
	}
	if counsel == nil {
		halves = append(halves, halfCounsel)
	}
	if len(halves) == 0 {
		return nil, officer
	}
	return halves, nil
}
