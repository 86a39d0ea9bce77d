package task

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// MaxPayload is the longest payload, in bytes.
const MaxPayload = 256 << 10

// Compartment is the class of data that payloads and instructions are sealed in.
const Compartment troth.Compartment = "task"

// purpose is why the engine opens a payload.
const purpose troth.Purpose = "task"

const groupPrefix = "task-group-"

// GroupSubject is under whom what belongs to a group is sealed. It is nobody: a
// name made at random, whose key lives as long as the group.
func GroupSubject(tenant troth.Tenant, group ID) troth.Subject {
	var b [len(groupPrefix) + 2*len(group)]byte
	hex.Encode(b[copy(b[:], groupPrefix):], group[:])
	return troth.Subject{Tenant: tenant, ID: string(b[:])}
}

// place is what sealed bytes are bound to: the group, the kind and the task, so
// that a payload opens for no other.
func place(ref troth.WorkRef, kind, column string, group ID) troth.Context {
	return troth.Context{
		Subject:     GroupSubject(ref.Tenant, group),
		Compartment: Compartment,
		Cell:        troth.Cell{Table: kind, Column: column, Row: ref.ID},
	}
}

const (
	payloadColumn      = "payload"
	instructionsColumn = "instructions"
)

func (e *Engine) seal(ctx context.Context, at troth.Context, plain []byte) ([]byte, error) {
	switch {
	case e.c.Sealer == nil:
		return nil, ErrNoSealer
	case len(plain) > MaxPayload:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrPayload, MaxPayload)
	}
	sealed, err := e.c.Sealer.Seal(ctx, nil, at, plain)
	if err != nil {
		return nil, fmt.Errorf("task: seal: %w", err)
	}
	return sealed, nil
}

// open opens what was sealed. What says of itself that its key was shredded will
// never open again.
func (e *Engine) open(ctx context.Context, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	if e.c.Sealer == nil {
		return nil, ErrNoSealer
	}
	plain, err := e.c.Sealer.Open(ctx, nil, at, p, sealed)
	if err == nil {
		return plain, nil
	}
	gone, ok := errors.AsType[interface {
		error
		Shredded() bool
	}](err)
	if ok && gone.Shredded() {
		return nil, Permanent(errors.Join(ErrPayload, err))
	}
	return nil, errors.Join(ErrPayload, err)
}

// openPayload opens a payload for an attempt. Every one was sealed non-empty.
func (c *claimed) openPayload() ([]byte, error) {
	if c.row.Payload == nil {
		return nil, nil
	}
	return c.e.open(c.ctx, place(c.ref, c.row.Kind, payloadColumn, c.row.Group), purpose, c.row.Payload)
}

const effectDomain = "troth.task.effect/1"

// EffectKey is the idempotency key of a task's effect: the same for every attempt
// and for no other task.
func EffectKey(n Name) string {
	var room [128]byte
	b := canon.AppendDomain(room[:0], effectDomain)
	b = canon.AppendText(b, string(n.Tenant))
	b = canon.AppendBytes(b, n.ID[:])
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
