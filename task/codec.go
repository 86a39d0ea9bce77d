package task

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/trothdev/troth"
)

// Job is one attempt at work of a kind whose payload is a T.
type Job[T any] struct {
	troth.Job
	// Value is the payload, read.
	Value T
}

// Register registers a handler for work whose payload is the JSON of a T, see
// [NewWork]. A payload with fields that T does not have, or with anything behind
// it, is [ErrPayload]; work without a payload gives the zero T.
//
// An error is tried again with the backoff of the kind, unless it is one of
// [Permanent], [ManualNeeded] or [RetryAfter]. The handler may run more than once
// for the same work, in several processes, so its effect must be idempotent by
// the job's EffectKey, or commit together with the job's Complete.
func Register[T any](e *Engine, k Kind, h func(ctx context.Context, j Job[T]) error) error {
	return e.add(k, func(ctx context.Context, j troth.Job) error {
		job := Job[T]{Job: j}
		if len(j.Payload) > 0 {
			if err := decode(j.Payload, &job.Value); err != nil {
				return err
			}
		}
		return h(ctx, job)
	})
}

// errDecode is the end of work whose payload does not hold what its kind says.
// What it held is not told.
var errDecode = &PermanentError{Err: fmt.Errorf("%w: it is not the JSON of its kind", ErrPayload)}

func decode(payload []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return errDecode
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errDecode
	}
	return nil
}

// NewWork returns work of a kind with a payload, which [Register] reads again.
func NewWork[T any](tenant troth.Tenant, kind string, payload T) (troth.Work, error) {
	b, err := json.Marshal(payload)
	if err != nil {
		// The text of the error may quote the value.
		return troth.Work{}, fmt.Errorf("%w: it has no JSON", ErrPayload)
	}
	return troth.Work{Tenant: tenant, Kind: kind, Payload: b}, nil
}
