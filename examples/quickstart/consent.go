package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

const newsletter troth.Purpose = "newsletter"

var reader = troth.Subject{Tenant: ours, ID: shown}

// tellConsent asks for consent with double opt-in, decides by it, leaves a receipt
// that strangers can check, and takes a withdrawal.
func (s *story) tellConsent(ctx context.Context) error {
	if err := s.publish(ctx); err != nil {
		return err
	}
	before, err := s.kit.Consent.Check(ctx, reader, newsletter, time.Time{})
	if err != nil {
		return err
	}
	if before.Reason != consent.ReasonUnknown {
		s.say("customer %s was asked in an earlier run, and has answered: %s", shown, before.Reason)
		return nil
	}
	s.say("before anything: %s", before.Reason)
	event, err := s.optIn(ctx)
	if err != nil {
		return err
	}
	if err := s.tellReceipt(ctx, event); err != nil {
		return err
	}
	_, err = s.kit.Consent.Record(ctx, consent.Form{
		ID: "stop-1", Subject: reader, Method: consent.ByLink, Channel: consent.ByEmail,
		Choices: []consent.Choice{{Purpose: newsletter, Kind: consent.Withdrawn}},
	})
	if err != nil {
		return err
	}
	_, err = s.decision(ctx, "after the withdrawal", false)
	return err
}

// publish declares the purpose and what people are shown. Doing it at each start
// changes nothing.
func (s *story) publish(ctx context.Context) error {
	_, err := s.kit.Consent.Publish(ctx, consent.Terms{
		Tenant: ours, Purpose: newsletter, Version: 1, Title: "Our monthly letter", Basis: consent.Consent,
		DirectMarketing: true, DoubleOptIn: true, Data: []string{"email"}, Recipients: []string{"mailer"},
	})
	if err != nil {
		return err
	}
	_, err = s.kit.Consent.PublishNotice(ctx, consent.Notice{
		Tenant: ours, ID: "sign-up", Version: 1,
		Texts: map[string]string{"en": "We write once a month. You can stop it in every letter."},
		Asks:  []consent.Ask{{Control: "letter", Purpose: newsletter}},
	})
	return err
}

// optIn takes the form and follows the link that was sent, first as a mail scanner
// does and then as the person does. It returns the event that granted.
func (s *story) optIn(ctx context.Context) (event string, err error) {
	token, err := s.kit.Consent.Request(ctx, consent.Form{
		ID: "form-1", Subject: reader, Method: consent.ByCheckbox, Channel: consent.OnWeb,
		Notice:  consent.NoticeRef{ID: "sign-up", Version: 1, Language: "en"},
		Choices: []consent.Choice{{Purpose: newsletter, Kind: consent.Requested, Wording: "Yes, send me the letter"}},
	})
	if err != nil {
		return "", err
	}
	secret, err := token.Reveal("send-confirmation")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.Handle("/confirm", s.kit.Consent.ConfirmHandler(consent.ConfirmConfig{
		Tenant: func(*http.Request) (troth.Tenant, error) { return ours, nil },
	}))
	server := httptest.NewServer(mux)
	defer server.Close()
	page := server.URL + "/confirm"
	if err := visit(ctx, http.MethodGet, page+"?token="+url.QueryEscape(secret), ""); err != nil {
		return "", err
	}
	if _, err := s.decision(ctx, "after a mail scanner has followed the link", false); err != nil {
		return "", err
	}
	if err := visit(ctx, http.MethodPost, page, url.Values{"token": {secret}}.Encode()); err != nil {
		return "", err
	}
	d, err := s.decision(ctx, "after the person has pressed the button there", true)
	return d.Event, err
}

func visit(ctx context.Context, method, link, form string) error {
	r, err := http.NewRequestWithContext(ctx, method, link, strings.NewReader(form))
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

// decision asks the ledger and demands an answer.
func (s *story) decision(ctx context.Context, when string, allowed bool) (consent.Decision, error) {
	d, err := s.kit.Consent.Check(ctx, reader, newsletter, time.Time{})
	if err != nil {
		return d, err
	}
	if d.Allowed != allowed {
		return d, fmt.Errorf("%s: the ledger says %v", when, d)
	}
	s.say("%s: %s", when, d.Reason)
	return d, nil
}

// tellReceipt leaves what the person can have checked by anybody.
func (s *story) tellReceipt(ctx context.Context, event string) error {
	issued, err := s.kit.Consent.Receipt(ctx, reader, event)
	if err != nil {
		return err
	}
	if err := s.sign(ctx); err != nil {
		return err
	}
	file, err := s.kit.Consent.ProveReceipt(ctx, issued)
	if err != nil {
		return err
	}
	if _, err := consent.VerifyReceipt(file, s.kit.Verifiers().Proven); err != nil {
		return err
	}
	edited := bytes.Replace(file, []byte("monthly"), []byte("daily"), 1)
	if _, err := consent.VerifyReceipt(edited, s.kit.Verifiers().Proven); err == nil {
		return errUnnoticed
	}
	receipt := filepath.Join(s.dir, "receipt.json")
	if err := os.WriteFile(receipt, file, 0o600); err != nil {
		return err
	}
	s.say("the receipt is in %s; edited, it would not hold:", receipt)
	s.say("  go run ./examples/auditverify -key %s %s", filepath.Join(s.dir, "trail.pub"), receipt)
	return nil
}
