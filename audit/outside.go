package audit

import "context"

// checkPins compares every log that was continued with the checkpoint of it
// that its successor pins, and reports what a restore has lost.
func (v *verification) checkPins(ctx context.Context, logs []LogReport) error {
	for i, p := range v.pins {
		if p == nil || !p.known {
			continue
		}
		head := v.heads[i]
		if p.size > head.Size {
			logs[i].Lost = p.size - head.Size
			continue
		}
		if p.size < head.Pruned {
			continue
		}
		err := v.trail.leadsTo(ctx, head, Checkpoint{Origin: head.Origin, Size: p.size, Root: p.root})
		if isRolledBack(err) {
			logs[i].Forked, err = true, nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// outside compares the logs with what is known elsewhere.
func (v *verification) outside(ctx context.Context) error {
	if v.trusted != nil {
		if err := v.against(ctx, *v.trusted); err != nil {
			return err
		}
	}
	known, err := v.trail.outside(ctx)
	if err != nil {
		return err
	}
	for _, cp := range known {
		if err := v.against(ctx, cp); err != nil {
			return err
		}
	}
	return nil
}

// against compares the log of a checkpoint with it.
func (v *verification) against(ctx context.Context, cp Checkpoint) error {
	heads, err := v.trail.heads(ctx) // the log may have grown to the checkpoint
	if err != nil {
		return err
	}
	for i, head := range heads {
		if head.Origin != cp.Origin {
			continue
		}
		err := v.trail.leadsTo(ctx, head, cp)
		if isRolledBack(err) && i < len(v.pins) && v.pins[i].admits(head, cp) {
			return nil
		}
		return err
	}
	return &RolledBackError{Origin: cp.Origin, Known: cp.Size}
}

// admits reports whether a log that does not lead to the checkpoint was given
// up, and the next one says so.
func (p *pin) admits(head Head, cp Checkpoint) bool {
	if p == nil || !p.known || cp.Size > p.size {
		return false
	}
	if cp.Size == p.size {
		return cp.Root == p.root
	}
	return cp.Size > head.Size // what is lost; what is there must fit
}

// knows returns an error unless the store has the log of the checkpoint, which
// was continued as the one that is open now.
func (t *Trail) knows(ctx context.Context, _ Head, cp Checkpoint) error {
	heads, err := t.heads(ctx)
	if err != nil {
		return err
	}
	for _, h := range heads {
		if h.Origin == cp.Origin {
			return nil
		}
	}
	return &RolledBackError{Origin: cp.Origin, Known: cp.Size}
}
