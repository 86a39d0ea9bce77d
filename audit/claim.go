package audit

import (
	"context"
	"net/http"
	"slices"
)

// ClaimError says that a witness claims to have seen another history of the log
// than the store holds, and that it did not prove it: it showed no checkpoint with
// the log's own signature that the log does not lead to.
type ClaimError struct {
	Origin string
	// Claimed is the size of the log that the witness says it cosigned, Have that
	// of the log as it was asked about.
	Claimed, Have uint64
}

func (e *ClaimError) Error() string {
	return "claims to have cosigned size " + utoa(e.Claimed) + " of log " + e.Origin + ", which has size " +
		utoa(e.Have) + ", and does not prove it"
}

// claimed asks for the proof of a claim: a *RolledBackError if there is one, else
// the claim.
func (w *witnessSink) claimed(ctx context.Context, claim *ClaimError) error {
	cp, ok := w.shown(ctx)
	if !ok || cp.Origin != claim.Origin {
		return claim
	}
	head, err := w.trail.headOf(ctx, cp.Origin)
	if err != nil {
		return err
	}
	if err := w.trail.leadsTo(ctx, head, cp); err != nil {
		return err
	}
	return claim
}

// shown is the newest checkpoint that the witness shows, if the log's own key
// signed it: that counts, whoever hands it over. Lines that nobody here can verify
// are those of other witnesses, and no part of it.
func (w *witnessSink) shown(ctx context.Context) (cp Checkpoint, ok bool) {
	if w.newest == "" {
		return cp, false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.newest, nil)
	if err != nil {
		return cp, false
	}
	status, note, err := w.do(req)
	if err != nil || status != http.StatusOK {
		return cp, false
	}
	cp, err = w.trail.openOwn(note)
	return cp, err == nil
}

// unheard returns an error where the store has no log and the witness shows that
// there was one.
func (w *witnessSink) unheard(ctx context.Context) error {
	cp, ok := w.shown(ctx)
	if !ok || w.trail.signer == nil || cp.Origin != w.trail.signer.Name() {
		return nil
	}
	return &RolledBackError{Origin: cp.Origin, Known: cp.Size}
}

// openOwn verifies the log's own signatures of a checkpoint, and leaves all other
// lines alone.
func (t *Trail) openOwn(note []byte) (Checkpoint, error) {
	n, err := parseNote(note)
	if err != nil {
		return Checkpoint{}, err
	}
	n.sigs = slices.DeleteFunc(n.sigs, func(s noteSignature) bool { return t.verifiers.log(s.name, s.id) == nil })
	cp, _, err := openNote(n, t.verifiers)
	return cp, err
}
