package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// asks is who asks to see their data, and then to have it erased.
const asks = "5"

// privacy answers requests.
var privacy = troth.Actor{Kind: troth.Person, ID: "staff-4", Roles: []string{"privacy"}}

// tellRights has a customer ask for everything, and then for its end. One order is kept
// by a legal hold.
func (s *story) tellRights(ctx context.Context) error {
	ctx = troth.WithActor(ctx, privacy)
	access, err := s.asked(ctx, "access-1", rights.Access)
	if err != nil {
		return err
	}
	if access.State.Final() {
		s.say("customer %s asked for everything in an earlier run, and has it", asks)
	} else if err := s.tellAccess(ctx, access); err != nil {
		return err
	}
	erasure, err := s.kit.Rights.Request(ctx, ours, "erase-1")
	switch {
	case err == nil && erasure.State.Final():
		s.say("they asked to be erased as well, and were answered")
		return nil
	case err != nil && !errors.Is(err, rights.ErrNotFound):
		return err
	}
	return s.tellErasure(ctx)
}

// asked is a request of the customer, who is logged in, as far as it can go before
// somebody has looked at what was found.
func (s *story) asked(ctx context.Context, id string, right rights.Right) (rights.Request, error) {
	desk := s.kit.Rights
	r, err := desk.Submit(ctx, rights.Submission{
		Tenant: ours, ID: id, Right: right, Via: rights.ViaAccount, SubjectID: asks,
		Contents: rights.Contents{Text: troth.Protect("Please.")},
	})
	if err != nil || r.State != rights.StateReceived {
		return r, err
	}
	proof, err := desk.Attest(ctx, rights.Attestation{Tenant: ours, Request: id, SubjectID: asks, Method: rights.ByReauthentication})
	if err != nil {
		return r, err
	}
	if _, err := desk.Accept(ctx, ours, id, proof); err != nil {
		return r, err
	}
	if err := desk.Step(ctx, ours, id); err != nil {
		return r, err
	}
	return desk.Request(ctx, ours, id)
}

// approved has staff say yes to what was found, and the desk carry it out.
func (s *story) approved(ctx context.Context, r rights.Request) (rights.Request, error) {
	if r.State == rights.StateReviewing {
		if _, err := s.kit.Rights.Approve(ctx, ours, r.ID); err != nil {
			return r, err
		}
	}
	if err := s.kit.Rights.Step(ctx, ours, r.ID); err != nil {
		return r, err
	}
	return s.kit.Rights.Request(ctx, ours, r.ID)
}

// tellAccess writes the archive, and opens it as the person does.
func (s *story) tellAccess(ctx context.Context, r rights.Request) error {
	s.say("customer %s, who logged in again for it, asks for everything, and is to have it before %s (%s)", asks, r.DueAt.Format(time.DateOnly), r.DueRule)
	r, err := s.approved(ctx, r)
	if err != nil {
		return err
	}
	lock, secret, err := export.FreshKey()
	if err != nil {
		return err
	}
	var file bytes.Buffer
	receipt, err := s.kit.Rights.Export(ctx, ours, r.ID, &file, lock)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "export.zip.age")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		return err
	}
	if err := s.openExport(ctx, file.Bytes(), secret); err != nil {
		return err
	}
	s.say("%d of their records, encrypted, in %s; age and unzip open it with the key that the person was given", receipt.Records, path)
	_, err = s.kit.Rights.Deliver(ctx, ours, r.ID, time.Time{})
	return err
}

// openExport demands the person's name in the archive.
func (s *story) openExport(ctx context.Context, file []byte, secret troth.Sensitive[string]) error {
	unlock, err := export.UnlockWithKey(secret)
	if err != nil {
		return err
	}
	archive, err := export.Open(bytes.NewReader(file), int64(len(file)), export.OpenConfig{Unlock: unlock, Key: s.kit.Verifiers().String(), Tenant: ours})
	if err != nil {
		return err
	}
	found := false
	for r, err := range archive.Records(ctx) {
		if err != nil {
			return err
		}
		found = found || r.Source == "customers"
	}
	if !found {
		return errors.New("the customer is not in their export")
	}
	return nil
}

// tellErasure erases the customer but for an order that is in dispute.
func (s *story) tellErasure(ctx context.Context) error {
	if err := s.releaseAll(ctx); err != nil { // of a run that was killed
		return err
	}
	if _, err := s.order(ctx, asks, "A map of the moon."); err != nil {
		return err
	}
	hold := retention.Hold{
		Tenant: ours, ID: rand.Text(), Matter: "dispute", SubjectID: asks, Class: "order", Review: time.Now().AddDate(1, 0, 0),
		To: time.Now(),
	}
	if err := s.kit.Keeper.Place(troth.WithActor(ctx, counsel), hold); err != nil {
		return err
	}
	if _, err := s.order(ctx, asks, "A globe."); err != nil {
		return err
	}
	r, err := s.asked(ctx, "erase-1", rights.Erase)
	if err != nil {
		return err
	}
	if r, err = s.approved(ctx, r); err != nil {
		return err
	}
	s.say("they ask to be erased; a legal hold keeps one of their two orders:")
	if err := s.tellWork(ctx, r.ID); err != nil {
		return err
	}
	if r, err = s.kit.Rights.Deliver(ctx, ours, r.ID, time.Time{}); err != nil {
		return err
	}
	s.say("the answer: %s; the hold's release finishes it by itself", r.State)
	if err := s.work(ctx, nil, rights.WorkDue); err != nil { // what the desk has enqueued for now
		return err
	}
	return s.releaseAll(ctx)
}

// tellWork says what became of a request at each source.
func (s *story) tellWork(ctx context.Context, id string) error {
	work, err := s.kit.Rights.Work(ctx, ours, id)
	if err != nil {
		return err
	}
	for _, w := range work {
		did, kept := "", ""
		if w.Records > 0 {
			did = fmt.Sprintf(", %d %s", w.Records, w.Method)
		}
		if len(w.Kept) > 0 {
			kept = fmt.Sprintf("; kept: %s", w.Kept[0].Basis)
		}
		s.say("  %-17s %s%s%s", w.Source, w.Outcome, did, kept)
	}
	return nil
}

// tellCertificate comes back weeks later: nothing is left, not in backups either.
func (s *story) tellCertificate(ctx context.Context) error {
	defer func() { s.ahead = 0 }()
	for _, s.ahead = range []int{2, 40} {
		if err := s.kit.Rights.Sweep(ctx); err != nil {
			return err
		}
	}
	c, err := s.kit.Rights.Certify(troth.WithActor(ctx, privacy), ours, "erase-1")
	if err != nil {
		return err
	}
	if err := s.tellWork(ctx, "erase-1"); err != nil {
		return err
	}
	if err := s.sign(ctx); err != nil {
		return err
	}
	file, err := s.kit.Rights.ProveCertificate(ctx, c)
	if err != nil {
		return err
	}
	if _, err := rights.VerifyCertificate(file, s.kit.Verifiers().Proven); err != nil {
		return err
	}
	edited := bytes.Replace(file, []byte(`"stage": "`), []byte(`"stage": "not-`), 1)
	if _, err := rights.VerifyCertificate(edited, s.kit.Verifiers().Proven); err == nil {
		return errUnnoticed
	}
	path := filepath.Join(s.dir, "certificate.json")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return err
	}
	s.say("a %s certificate is in %s, and names nobody; edited, it would not hold:", c.Stage, path)
	s.say("  go run ./examples/auditverify -key %s %s", filepath.Join(s.dir, "trail.pub"), path)
	return nil
}
