package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/vault"
)

// The people and the shops of the story. Subjects are named by opaque ids.
const (
	ours, theirs = "aurora-books", "bamboo-garden"
	shown        = "2"
	erased       = "3"
	fulfilment   = troth.Purpose("order-fulfilment")
	support      = troth.Purpose("support-case")
)

var (
	orderDesk = troth.Actor{Kind: troth.Service, ID: "order-desk"}
	agent     = troth.Actor{Kind: troth.Person, ID: "staff-17", Roles: []string{"support"}}
)

// story tells what happens, and checks it.
type story struct {
	*shop
	out io.Writer
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) tell(ctx context.Context) error {
	ctx = troth.WithActor(ctx, orderDesk)
	before, err := s.evidence(ctx, nil)
	if err != nil {
		return err
	}
	s.say("A shop software keeps the customers of three shops. Data in %s (choose with -dir).", s.dir)
	for _, step := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"Import: every field is sealed under its customer's own key, in the shop's transactions", s.tellImport},
		{"What the database sees", s.tellRow},
		{"What the shop sees, for a stated purpose", s.tellOpen},
		{"Walls", s.tellWalls},
		{"Consent, asked for and proved", s.tellConsent},
		{"A campaign, and one who leaves it", s.tellCampaign},
		{"A notice that must arrive", s.tellNotice},
		{"What was trashed goes, and what a legal hold keeps stays", s.tellTrash},
		{"A person asks: everything, and then its end", s.tellRights},
		{"Erasing one person", s.tellShred},
		{"Weeks later: the certificate of the erasure that they asked for", s.tellCertificate},
	} {
		s.say("\n== %s", step.title)
		if err := step.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
	}
	if err := s.tellEvidence(ctx, before); err != nil {
		return err
	}
	return s.tellTrail(ctx)
}

func (s *story) tellImport(ctx context.Context) error {
	all, err := readCustomers()
	if err != nil {
		return err
	}
	added, txs, err := s.importAll(ctx, all)
	if err != nil {
		return err
	}
	if added == 0 {
		s.say("all %d customers are there from an earlier run", len(all))
		return nil
	}
	s.say("%d customers imported in %d transactions", added, txs)
	return nil
}

func (s *story) tellRow(ctx context.Context) error {
	c, err := s.row(ctx, shown)
	if err != nil {
		return err
	}
	for i, column := range columns {
		s.say("%-8s %x… %d bytes", column, c.fields[i][:16], len(c.fields[i]))
	}
	return nil
}

func (s *story) tellOpen(ctx context.Context) error {
	sealed, err := s.row(ctx, shown)
	if err != nil {
		return err
	}
	plain, err := s.open(ctx, sealed, fulfilment)
	if err != nil {
		return err
	}
	for i, column := range columns {
		s.say("%-8s %s", column, plain.fields[i])
	}
	if _, err := s.open(troth.WithActor(ctx, agent), sealed, support); err != nil {
		return err
	}
	s.say("a support agent opened them too, which was on record before they saw it")
	return nil
}

func (s *story) tellWalls(ctx context.Context) error {
	c, err := s.row(ctx, shown)
	if err != nil {
		return err
	}
	stolen := c
	stolen.shop = theirs // has a customer of the same id
	_, err = s.open(ctx, stolen, fulfilment)
	if err := expect(err, vault.ErrOpen); err != nil {
		return err
	}
	s.say("%s opens the row of %s: %v", theirs, ours, vault.ErrOpen)
	_, err = s.openMoved(ctx)
	if err := expect(err, vault.ErrOpen); err != nil {
		return err
	}
	s.say("the e-mail copied to another customer's row: %v", err)
	return nil
}

// errUndo ends a transaction that was only for show.
var errUndo = errors.New("undo")

// openMoved copies one customer's e-mail over another's, opens it there, and
// takes the copy back.
func (s *story) openMoved(ctx context.Context) (plain []byte, opened error) {
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE customer SET email = (SELECT email FROM customer WHERE shop = $1 AND id = $2)
			WHERE shop = $3 AND id = $4`, ours, shown, ours, "4")
		if err != nil {
			return err
		}
		var sealed []byte
		if err := tx.QueryRowContext(ctx, "SELECT email FROM customer WHERE shop = $1 AND id = $2", ours, "4").Scan(&sealed); err != nil {
			return err
		}
		at := troth.Context{Subject: troth.Subject{Tenant: ours, ID: "4"}, Compartment: compartment, Cell: cell("email", "4")}
		plain, opened = s.kit.Vault.AppendOpen(ctx, nil, at, fulfilment, sealed)
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		return nil, err
	}
	return plain, opened
}

func (s *story) tellShred(ctx context.Context) (err error) {
	if err := s.tellDeadline(); err != nil {
		return err
	}
	old, err := s.copy(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.remove(context.WithoutCancel(ctx))) }()
	before, err := s.row(ctx, erased)
	if err != nil {
		return err
	}
	var receipt vault.Receipt
	leave := retention.Leave{
		Ref: troth.PermitRef{Tenant: ours, Subject: erased}, SubjectID: erased, Ground: "erasure-request",
	}
	err = s.kit.Keeper.Permit(ctx, leave, func(ctx context.Context, p troth.Permit) (err error) {
		receipt, err = s.kit.Vault.Shred(ctx, p, vault.Target{Tenant: ours, SubjectID: erased})
		return err
	})
	if err != nil {
		return err
	}
	if receipt.Already {
		s.say("customer %s was erased by an earlier run, and stays erased", erased)
	} else {
		s.say("customer %s: %d key destroyed", erased, len(receipt.Keys))
	}
	after, err := s.row(ctx, erased)
	if err != nil {
		return err
	}
	if !bytes.Equal(before.fields[0], after.fields[0]) {
		return errors.New("the sealed name changed")
	}
	_, err = s.open(ctx, after, fulfilment)
	if err := expect(err, vault.ErrShredded); err != nil {
		return err
	}
	s.say("name     %x… %d bytes, still there", after.fields[0][:16], len(after.fields[0]))
	s.say("opening it: %v", vault.ErrShredded)
	if err := s.tellOthers(ctx); err != nil || receipt.Already {
		return err
	}
	return s.tellCopies(ctx, receipt, old)
}

// tellDeadline says by when somebody had to do it.
func (s *story) tellDeadline() error {
	rule, err := deadline.ShippedRule("gdpr.erasure.respond")
	if err != nil {
		return err
	}
	asked := deadline.Date{Year: 2026, Month: time.January, Day: 31}
	due, err := deadline.Due(rule, []deadline.Event{deadline.On(deadline.Received, asked)}, nil)
	if err != nil {
		return err
	}
	s.say("they asked on %s; the GDPR wants it done and answered by %s (how it is counted: examples/deadlines)", asked, due.Legal)
	return nil
}

func (s *story) tellOthers(ctx context.Context) error {
	handle, err := s.kit.Vault.For(ctx, troth.Subject{Tenant: ours, ID: erased}, "newsletter", "")
	if err != nil {
		return err
	}
	_, err = handle.AppendSeal(ctx, nil, cell("email", erased), []byte("back again"))
	if err := expect(err, vault.ErrShredded); err != nil {
		return err
	}
	s.say("storing something new about them: %v", err)
	return s.tellEverybodyElse(ctx)
}

func (s *story) tellEverybodyElse(ctx context.Context) error {
	other, err := s.row(ctx, shown)
	if err != nil {
		return err
	}
	if _, err := s.open(ctx, other, fulfilment); err != nil {
		return err
	}
	s.say("everybody else still opens")
	return nil
}

func (s *story) tellEvidence(ctx context.Context, before int) error {
	s.say("\n== The evidence that %s can be shown", ours)
	if err := s.kit.Vault.CloseWindows(ctx); err != nil {
		return err
	}
	if before > 0 {
		s.say("(%d entries of earlier runs)", before)
	}
	skip, steps := before, 0
	total, err := s.evidence(ctx, func(r audit.Record) {
		switch skip--; {
		case skip >= 0:
		case r.Act == "rights.event":
			steps++
		case r.Actor.Service == "troth.task" && r.Act != "unsubscribe.told":
			// keys used, and destroyed with the work: as many as there were windows
		default:
			s.say("%v", r)
		}
	})
	if err != nil {
		return err
	}
	if steps > 0 {
		s.say("(and %d steps of requests, and what tasks did for themselves: keys used, and destroyed with the work)", steps)
	}
	if total <= before {
		return errors.New("nothing was recorded")
	}
	return nil
}

// evidence calls show for each entry of our shop and counts them.
func (s *story) evidence(ctx context.Context, show func(audit.Record)) (int, error) {
	n := 0
	for record, err := range s.kit.Trail.Entries(ctx, ours, audit.Query{}) {
		if err != nil {
			return n, err
		}
		n++
		if show != nil {
			show(record)
		}
	}
	return n, nil
}

// expect returns an error unless err is the one that the story needs.
func expect(err, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	if err == nil {
		return fmt.Errorf("it succeeded, and should have failed: %w", want)
	}
	return fmt.Errorf("it should have failed otherwise: %w: %w", want, err)
}
