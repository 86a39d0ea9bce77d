// Unsubscribealone wires the opt-out registry and what it needs to tell a mail
// provider, on SQLite: no vault and no kit. It takes over an older tool's opt-outs,
// records one, tells the provider in time although an answer is lost, lets the
// person back in, and writes the list of who must not be written to.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/unsubscribe/httpprovider"
)

const shop troth.Tenant = "acme"

// letter is what the shop is about to send.
var letter = unsubscribe.Campaign{
	Tenant: shop, List: "newsletter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
}

func main() {
	dir, err := os.MkdirTemp("", "unsubscribealone")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string, out io.Writer) (err error) {
	ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "shop"})
	m := &mailer{suppressed: map[string]int{}, contacts: map[string]bool{"ada@example.org": true, "eve@example.org": true}}
	server := httptest.NewServer(m)
	defer server.Close()
	provider, err := httpprovider.New(server.URL)
	if err != nil {
		return err
	}
	p, err := open(ctx, dir, provider)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	s := &story{program: p, mailer: m, out: out}
	for _, step := range []func(context.Context) error{s.optOut, s.tell, s.takeOver, s.back, s.export} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type story struct {
	*program
	mailer *mailer
	out    io.Writer
	event  unsubscribe.Event
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) check(ctx context.Context, when, address string) error {
	d, err := s.registry.Check(ctx, letter, troth.Protect(address))
	if err == nil {
		s.say("%s: send %v, %s", when, d.Send, d.Reason)
	}
	return err
}

// optOut is the button of a page that an unsubscribe link opened.
func (s *story) optOut(ctx context.Context) error {
	if err := s.check(ctx, "before anything", "ada@example.org"); err != nil {
		return err
	}
	var err error
	s.event, err = s.registry.OptOut(ctx, unsubscribe.OptOutParams{
		Tenant: shop, Channel: unsubscribe.Email, Address: troth.Protect("ada@example.org"),
		Scope: unsubscribe.List, List: letter.List, Method: unsubscribe.ByPage,
	})
	if err != nil {
		return err
	}
	return s.check(ctx, "after the opt-out, written otherwise", " <Ada@EXAMPLE.org.>")
}

// tell has the engine work until the provider is told.
func (s *story) tell(ctx context.Context) (err error) {
	work, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.engine.Run(work) }()
	defer func() {
		stop()
		if ended := <-done; !errors.Is(ended, context.Canceled) {
			err = errors.Join(err, ended)
		}
	}()
	for {
		rows, err := s.registry.Deliveries(ctx, shop, s.event.ID)
		if err != nil {
			return err
		}
		if d := rows[0]; d.State == unsubscribe.DeliveryTold {
			in := time.UnixMicro(d.DueAt).Sub(s.event.RecordedAt)
			s.say("%s, within %v by %s, attempts: %d, suppressed %d time, contact left: %v", d.State, in, d.Rule, d.Attempts,
				s.mailer.suppressed["ada@example.org"], s.mailer.contacts["ada@example.org"])
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// takeOver reads the list of an older tool: a no needs no proof.
func (s *story) takeOver(ctx context.Context) error {
	report, err := s.registry.Import(ctx, unsubscribe.ImportParams{
		Tenant: shop, Channel: unsubscribe.Email, Scope: unsubscribe.Client, Source: "older-tool",
	}, func(yield func(unsubscribe.Imported, error) bool) {
		for _, address := range []string{"e.v.e+shop@gmail.com", "not an address"} {
			if !yield(unsubscribe.Imported{Address: troth.Protect(address)}, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	s.say("taken over: %d, unreadable: %v", report.New, report.Unreadable)
	return s.check(ctx, "another address of the same mailbox", "eve@gmail.com")
}

// back is what the person can do and nobody else: confirm, later, from the address.
func (s *story) back(ctx context.Context) error {
	in := unsubscribe.OptInParams{
		Tenant: shop, Channel: unsubscribe.Email, Address: troth.Protect("ada@example.org"),
		Scope: unsubscribe.List, List: letter.List, At: s.event.At, Method: unsubscribe.ByConfirmation, Reference: "confirmation-1",
	}
	_, err := s.registry.OptIn(ctx, in)
	s.say("confirmed no later than the opt-out: %v", err)
	in.At = time.Time{} // now
	if _, err := s.registry.OptIn(ctx, in); err != nil {
		return err
	}
	return s.check(ctx, "confirmed after it", "ada@example.org")
}

func (s *story) export(ctx context.Context) error {
	s.say("not to be written to:")
	_, err := s.registry.ExportSuppressed(ctx, s.out, letter, func(yield func(string, error) bool) {
		for _, address := range []string{"ada@example.org", "nobody"} {
			if !yield(address, nil) {
				return
			}
		}
	})
	return err
}
