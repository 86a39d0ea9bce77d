package troth

import (
	"context"
	"time"
)

// Objection is a person's no to processing for a purpose (GDPR Article 21), or
// to messages on a channel.
type Objection struct {
	Subject Subject
	Purpose Purpose
	// Channel is "email", "sms", …; empty for all.
	Channel string
	// At is when the person said it, UTC.
	At time.Time
	// OriginID names the event that it came from. Mirroring is idempotent by
	// origin, so that two ledgers which tell each other cannot echo.
	OriginID string
}

// ObjectionQuery asks whether a person objected.
type ObjectionQuery struct {
	Subject Subject
	Purpose Purpose
	Channel string
}

// ObjectionAnswer is the decision for one query.
type ObjectionAnswer struct {
	Objected bool
	// Reason is one word of the answering ledger's closed list.
	Reason string
	// OriginID is the event that decided; empty where none did.
	OriginID string
}

// Objections is how ledgers of consent and of opt-outs ask and tell each other.
type Objections interface {
	// Objected answers each query, in order. An error means that nobody may be
	// written to: no answer is never permission.
	Objected(ctx context.Context, queries []ObjectionQuery) ([]ObjectionAnswer, error)
	// Object records an objection in the caller's transaction.
	Object(ctx context.Context, o Objection) error
}
