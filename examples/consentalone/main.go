// Consentalone wires the consent ledger with the trail and nothing else: no vault
// and no kit. It asks for consent with double opt-in, decides, gives a receipt,
// takes a withdrawal, and prints the history as a court would get it.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

const (
	shop   troth.Tenant  = "acme"
	letter troth.Purpose = "newsletter"
)

var ada = troth.Subject{Tenant: shop, ID: "c-17"}

func main() {
	dir, err := os.MkdirTemp("", "consentalone")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run tells the story in a folder and leaves the receipt there.
func run(ctx context.Context, dir string, out io.Writer) (err error) {
	ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "shop"})
	p, err := open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	s := &story{program: p, dir: dir, out: out}
	for _, step := range []func(context.Context) error{s.publish, s.ask, s.receipt, s.withdraw, s.history} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type story struct {
	*program
	dir   string
	out   io.Writer
	event string // that confirmed
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) check(ctx context.Context, when string) error {
	d, err := s.ledger.Check(ctx, ada, letter, time.Time{})
	if err == nil {
		s.say("%s: allowed %v, %s", when, d.Allowed, d.Reason)
	}
	return err
}

// publish declares the purpose and what people are shown; doing so at each start
// changes nothing.
func (s *story) publish(ctx context.Context) error {
	_, err := s.ledger.Publish(ctx, consent.Terms{
		Tenant: shop, Purpose: letter, Version: 1, Title: "Our monthly letter", Basis: consent.Consent,
		DirectMarketing: true, DoubleOptIn: true, Data: []string{"email"}, Recipients: []string{"mailer"},
	})
	if err != nil {
		return err
	}
	_, err = s.ledger.PublishNotice(ctx, consent.Notice{
		Tenant: shop, ID: "sign-up", Version: 1, Texts: map[string]string{"en": "We write once a month. You can stop it in every letter."},
		Asks: []consent.Ask{{Control: "letter", Purpose: letter}},
	})
	return err
}

// ask takes the form, sends the link and follows it as a mail scanner does, and
// then as the person does.
func (s *story) ask(ctx context.Context) error {
	if err := s.check(ctx, "before anything"); err != nil {
		return err
	}
	token, err := s.ledger.Request(ctx, consent.Form{
		ID: "form-1", Subject: ada, Method: consent.ByCheckbox, Channel: consent.OnWeb,
		Notice:  consent.NoticeRef{ID: "sign-up", Version: 1, Language: "en"},
		Choices: []consent.Choice{{Purpose: letter, Kind: consent.Requested, Wording: "Yes, send me the letter"}},
	})
	if err != nil {
		return err
	}
	secret, err := token.Reveal("send-confirmation")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/confirm", s.ledger.ConfirmHandler(consent.ConfirmConfig{
		Tenant: func(*http.Request) (troth.Tenant, error) { return shop, nil },
	}))
	server := httptest.NewServer(mux)
	defer server.Close()
	link := server.URL + "/confirm?token=" + url.QueryEscape(secret)
	if err := follow(ctx, http.MethodGet, link, ""); err != nil {
		return err
	}
	if err := s.check(ctx, "after a GET of the link"); err != nil {
		return err
	}
	if err := follow(ctx, http.MethodPost, server.URL+"/confirm", url.Values{"token": {secret}}.Encode()); err != nil {
		return err
	}
	if err := s.check(ctx, "after the button"); err != nil {
		return err
	}
	d, err := s.ledger.Check(ctx, ada, letter, time.Time{})
	s.event = d.Event
	return err
}

func follow(ctx context.Context, method, link, body string) error {
	r, err := http.NewRequestWithContext(ctx, method, link, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the page answers %s", answer.Status)
	}
	return nil
}

// receipt leaves what the person can have checked by anybody.
func (s *story) receipt(ctx context.Context) error {
	issued, err := s.ledger.Receipt(ctx, ada, s.event)
	if err != nil {
		return err
	}
	// A process that stays leaves these two to Trail.Run.
	if _, err := s.trail.Await(ctx, shop, issued.Entry); err != nil {
		return err
	}
	if _, err := s.trail.Checkpoint(ctx); err != nil {
		return err
	}
	file, err := s.ledger.ProveReceipt(ctx, issued)
	if err != nil {
		return err
	}
	said, err := consent.VerifyReceipt(file, s.keys.Proven)
	if err != nil {
		return err
	}
	s.say("receipt: %s, %s", said.Record.Process.Title, said.Record.Event.Status)
	edited := bytes.Replace(file, []byte("monthly"), []byte("daily"), 1)
	_, err = consent.VerifyReceipt(edited, s.keys.Proven)
	s.say("receipt, edited: %v", err)
	return os.WriteFile(filepath.Join(s.dir, "receipt.json"), file, 0o600)
}

func (s *story) withdraw(ctx context.Context) error {
	_, err := s.ledger.Record(ctx, consent.Form{
		ID: "stop-1", Subject: ada, Method: consent.ByLink, Channel: consent.ByEmail,
		Choices: []consent.Choice{{Purpose: letter, Kind: consent.Withdrawn}},
	})
	if err != nil {
		return err
	}
	return s.check(ctx, "after the withdrawal")
}

func (s *story) history(ctx context.Context) error {
	h, err := s.ledger.History(ctx, ada, "access-request")
	if err != nil {
		return err
	}
	for _, e := range h.Entries {
		s.say("history: %s, %q", e.Event.Kind, e.Wording)
	}
	page, err := os.Create(filepath.Join(s.dir, "history.html"))
	if err != nil {
		return err
	}
	return errors.Join(h.WriteHTML(page), page.Close())
}
