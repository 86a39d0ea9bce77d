package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

const (
	// pumpLines is how many lines the journal is given at once.
	pumpLines = 256
	// followLines is how many are looked up at once.
	followLines = 512
)

var (
	errForged = fmt.Errorf("%w: a line that waits was changed in the database", ErrJournal)
	errKept   = fmt.Errorf("%w: it does not hold what it took", ErrJournal)
)

// PumpJournal gives the journal the lines of committed shreddings that wait, and
// acknowledges those that it then finds in the journal, also if another process
// put them there. [Vault.Run] does so all the time and [Vault.Sweep] once; a
// host that calls neither, or wants an erasure acknowledged now, calls it itself.
// It does nothing for a vault without a journal.
//
// It returns [ErrJournal] if the journal fails: nothing is lost, what waits goes
// on waiting. It returns a *[JournalAheadError] if the journal tells of erasures
// that the store does not know of, as after a restore under a running process;
// the vault then refuses everything until [Vault.Replay].
func (v *Vault) PumpJournal(ctx context.Context) error {
	if v.journal == nil {
		return nil
	}
	if v.closed.Load() {
		return ErrClosed
	}
	if v.behind.Load() {
		return ErrJournalAhead
	}
	ctx = v.tx.Detach(ctx)
	select {
	case v.pumping <- struct{}{}:
		defer func() { <-v.pumping }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return v.pump(ctx)
}

func (v *Vault) pump(ctx context.Context) error {
	if err := v.follow(ctx); err != nil {
		return err
	}
	for {
		lines, last, forged, err := v.waiting(ctx)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			return forged
		}
		if err := v.journal.Append(ctx, lines); err != nil {
			return journalFailed(ctx, "append", err)
		}
		if err := v.follow(ctx); err != nil {
			return err
		}
		// A journal that forgets what it took must not be fed for ever.
		row, found, err := v.store.Line(ctx, last.Tenant, last.Entry)
		if err != nil {
			return fmt.Errorf("vault: read line: %w", err)
		}
		if !found || row.AckedAt == 0 {
			return errKept
		}
		if forged != nil {
			return forged
		}
	}
}

// waiting returns lines to be appended, and the last of their rows. forged is an
// error if there are some that no vault wrote: those are never handed on.
func (v *Vault) waiting(ctx context.Context) (lines [][]byte, last LineRow, forged, err error) {
	key, err := v.journalKey(ctx, linesKey)
	if err != nil {
		return nil, last, nil, err
	}
	rows, err := v.store.WaitingLines(ctx, pumpLines)
	if err != nil {
		return nil, last, nil, fmt.Errorf("vault: read lines: %w", err)
	}
	for _, row := range rows {
		e, err := parseErasure(key, row.Line)
		if err != nil || e.entry != row.Entry {
			forged = errForged
			continue
		}
		lines, last = append(lines, row.Line), row
	}
	return lines, last, forged, nil
}

// follow reads what the journal holds behind the head, and acknowledges it.
// That is the only way in which a line is acknowledged: so it does not matter
// which process appended it, nor whether that one lived to say so. In front of a
// line that is owed the head stays; what is behind it is acknowledged all the same.
func (v *Vault) follow(ctx context.Context) error {
	var past JournalState // how far this went beyond a head that stays
	for {
		state, err := v.journalState(ctx)
		if err != nil {
			return err
		}
		stays := past.Position > state.Position
		if stays {
			state = past
		}
		end, err := v.followBatch(ctx, &state, stays)
		if err != nil || end {
			return err
		}
		past = state
	}
}

// followBatch acknowledges one batch, and sets state to how far that goes; end if
// there was none.
func (v *Vault) followBatch(ctx context.Context, state *JournalState, stays bool) (end bool, err error) {
	for batch, err := range v.behindHead(ctx, *state, followLines) {
		if err != nil {
			return false, err
		}
		missing, err := v.missing(ctx, batch)
		if err != nil {
			return false, err
		}
		owed, unknown := v.owed.Load().part(missing)
		if unknown > 0 {
			v.shut()
			v.log.Error("vault: the store lags behind its erasure journal; refusing everything", zap.Int("missing", unknown))
			return false, &JournalAheadError{Missing: unknown}
		}
		done := true
		if stays || owed {
			err = v.store.AckLines(ctx, entriesOf(batch), v.micros())
		} else {
			done, err = v.acknowledge(ctx, state.Position, batch)
		}
		if err != nil {
			return false, fmt.Errorf("vault: acknowledge lines: %w", err)
		}
		if done {
			last := &batch[len(batch)-1]
			state.Position, state.Digest = last.position, last.digest()
		}
		return false, nil
	}
	return true, nil
}

// acknowledge marks the lines and moves the head behind them. If somebody else has
// moved it, perhaps not as far, it does nothing, and is to be tried from there.
func (v *Vault) acknowledge(ctx context.Context, from int64, batch []readLine) (done bool, err error) {
	last := &batch[len(batch)-1]
	err = v.tx.Atomically(ctx, func(ctx context.Context) error {
		moved, err := v.store.MoveJournal(ctx, from, last.position, last.digest())
		if err != nil {
			return err
		}
		if !moved {
			return errMoved
		}
		return v.store.AckLines(ctx, entriesOf(batch), v.micros())
	})
	if errors.Is(err, errMoved) {
		return false, nil
	}
	return err == nil, err
}

var errMoved = errors.New("vault: somebody else has moved the journal's head")

// pumps drives the journal beside the rest of Run, which must not wait for it.
func (v *Vault) pumps(ctx context.Context) {
	if v.journal == nil {
		return
	}
	beat := time.NewTicker(max(v.opt.fenceAge/3, 10*time.Millisecond))
	defer beat.Stop()
	for !v.closed.Load() {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		rows, err := v.store.WaitingLines(ctx, 1)
		if err == nil && len(rows) > 0 {
			err = v.PumpJournal(ctx)
		}
		if err != nil && ctx.Err() == nil {
			v.log.Warn("vault: journal: will try again", zap.Error(err))
		}
	}
}
