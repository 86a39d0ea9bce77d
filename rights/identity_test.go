package rights_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

func TestProof_NothingIsAcceptedWithoutOne(t *testing.T) {
	w := newWorld(t)
	r, other := w.submit(rights.Erase), w.submit(rights.Access)
	p := w.prove(other.ID)
	_, err := w.desk.Accept(w.ctx, acme, r.ID, rights.Proof{})
	require.ErrorIs(t, err, rights.ErrUnproven, "the zero proof")
	_, err = w.desk.Accept(w.ctx, acme, r.ID, p)
	require.ErrorIs(t, err, rights.ErrUnproven, "a proof of another request")
	_, err = w.desk.Fire(w.ctx, acme, r.ID, rights.WasAccepted)
	require.ErrorIs(t, err, rights.ErrUnproven, "past the proof")
	weak, err := w.desk.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Method: rights.BySession})
	require.NoError(t, err)
	_, err = w.desk.Accept(w.ctx, acme, r.ID, weak)
	require.ErrorIs(t, err, rights.ErrUnproven, "one that is too weak")

	good := w.prove(r.ID)
	require.Equal(t, rights.LevelHigh, good.Level())
	require.Equal(t, rights.ByReauthentication, good.Method())
	w.clock.Set(good.ExpiresAt())
	_, err = w.desk.Accept(w.ctx, acme, r.ID, good)
	require.ErrorIs(t, err, rights.ErrUnproven, "one that is over")
	_, err = w.desk.Proof(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrUnproven)
	require.Equal(t, rights.StateReceived, w.get(r.ID).State)

	w.prove(r.ID)
	later, err := w.desk.Proof(w.ctx, acme, r.ID)
	require.NoError(t, err)
	r, err = w.desk.Accept(w.ctx, acme, r.ID, later)
	require.NoError(t, err)
	require.Equal(t, rights.StateAccepted, r.State)
}

func TestProof_AnotherTenantsIsNone(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Erase, func(s *rights.Submission) { s.ID = "same" })
	_, err := w.desk.Submit(w.ctx, rights.Submission{Tenant: globex, ID: "same", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: ada.ID})
	require.NoError(t, err)
	p := w.prove(r.ID)
	_, err = w.desk.Accept(w.ctx, globex, "same", p)
	require.ErrorIs(t, err, rights.ErrUnproven)
	_, err = w.desk.Request(w.ctx, globex, w.submit(rights.Know).ID)
	require.ErrorIs(t, err, rights.ErrNotFound)
}

func TestProof_OfSomebodyElse(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	_, err := w.desk.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: r.ID, SubjectID: "eve", Method: rights.ByReauthentication})
	require.ErrorIs(t, err, rights.ErrUnproven)
	require.ErrorContains(t, err, "about somebody else")
	require.Equal(t, rights.LevelNone, w.get(r.ID).Level)
}

func TestProof_ALoginForSomethingElse(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	a := rights.Attestation{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Method: rights.ByReauthentication, At: w.clock.Now().Add(-time.Hour)}
	_, err := w.desk.Attest(w.ctx, a)
	require.ErrorIs(t, err, rights.ErrUnproven)
	require.ErrorContains(t, err, "before the request")
	a.At = w.clock.Now().Add(time.Minute)
	_, err = w.desk.Attest(w.ctx, a)
	require.ErrorIs(t, err, rights.ErrFuture)
	a.At = w.clock.Now().Add(-time.Minute)
	_, err = w.desk.Attest(w.ctx, a)
	require.NoError(t, err)
}

func TestProof_OfADocumentNothingIsKept(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	a := rights.Attestation{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Method: rights.BySight}
	_, err := w.desk.Attest(w.ctx, a)
	require.ErrorIs(t, err, rights.ErrUnproven, "of which kind?")
	require.ErrorContains(t, err, "a document is named")
	a.Document = "passport"
	p, err := w.desk.Attest(w.ctx, a)
	require.NoError(t, err)
	require.Equal(t, rights.LevelHigh, p.Level())
	a.Method = rights.BySession
	_, err = w.desk.Attest(w.ctx, a)
	require.ErrorIs(t, err, rights.ErrUnproven)
	a.Method = "made-up"
	_, err = w.desk.Attest(w.ctx, a)
	require.ErrorIs(t, err, rights.ErrUnproven)
}

func TestKnow_ByHowMuchTheyKnew(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		kinds    []string
		declared bool
		level    rights.Level
	}{
		{[]string{"email"}, true, rights.LevelLow},
		{[]string{"email", "email"}, false, rights.LevelLow},
		{[]string{"email", "last-order"}, false, rights.LevelReasonable},
		{[]string{"email", "last-order", "town"}, false, rights.LevelReasonable},
		{[]string{"email", "last-order", "town"}, true, rights.LevelHigh},
	} {
		r := w.submit(rights.Access)
		p, err := w.desk.Know(w.ctx, rights.Knowledge{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Kinds: c.kinds, Declared: c.declared})
		require.NoError(t, err)
		require.Equal(t, c.level, p.Level(), "%+v", c)
	}
	r := w.submit(rights.Correct, func(s *rights.Submission) { s.Fields = []string{"town"} })
	_, err := w.desk.Know(w.ctx, rights.Knowledge{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Kinds: []string{"town", "email"}})
	require.ErrorIs(t, err, rights.ErrSameField)
	_, err = w.desk.Know(w.ctx, rights.Knowledge{Tenant: acme, Request: r.ID, SubjectID: ada.ID})
	require.ErrorIs(t, err, rights.ErrUnproven)
}

// What was shown first is not lost by something weaker later.
func TestProof_TheBestCounts(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	w.prove(r.ID)
	_, err := w.desk.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Method: rights.BySession})
	require.NoError(t, err)
	require.Equal(t, rights.LevelHigh, w.get(r.ID).Level)
}

func TestOptOut_NeedsNobody(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.OptOut, func(s *rights.Submission) { s.Via, s.SubjectID = rights.ViaSignal, "" })
	p, err := w.desk.Proof(w.ctx, acme, r.ID)
	require.NoError(t, err)
	r, err = w.desk.Accept(w.ctx, acme, r.ID, p)
	require.NoError(t, err)
	require.Equal(t, rights.StateAccepted, r.State)
	_, err = w.desk.Submit(w.ctx, rights.Submission{Tenant: acme, Right: rights.Erase, Via: rights.ViaSignal})
	require.ErrorIs(t, err, rights.ErrVia, "a signal can only object")
}

// code is what was sent last.
func (w *world) code() string {
	w.Helper()
	w.sweep()
	sent := w.post.of(rights.MessageCode)
	require.NotEmpty(w, sent)
	body, err := sent[len(sent)-1].Body.Reveal("test")
	require.NoError(w, err)
	_, after, _ := strings.Cut(body, "code is ")
	return after[:9]
}

func (w *world) sendCode(id, address string) error {
	return w.desk.SendCode(w.ctx, rights.CodeRequest{
		Tenant: acme, Request: id, Address: troth.Address{Channel: "email", Value: troth.Protect(address)},
	})
}

func (w *world) check(id, code string) (rights.Proof, error) {
	return w.desk.CheckCode(w.ctx, acme, id, troth.Protect(code))
}

func TestCode_ShowsWhoHoldsTheAddress(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Erase, func(s *rights.Submission) { s.SubjectID = "" })
	require.Empty(t, r.SubjectID)
	require.NoError(t, w.sendCode(r.ID, canary))
	code := w.code()
	_, err := w.check(r.ID, "23456789")
	require.ErrorIs(t, err, rights.ErrCode)
	p, err := w.check(r.ID, strings.ToLower(" "+code))
	require.NoError(t, err)
	require.Equal(t, rights.LevelReasonable, p.Level())
	require.Equal(t, ada.ID, w.get(r.ID).SubjectID)
	_, err = w.check(r.ID, code)
	require.ErrorIs(t, err, rights.ErrCode, "it is used")
	_, err = w.desk.Accept(w.ctx, acme, r.ID, p)
	require.NoError(t, err)
}

func TestCode_ProvesNothing(t *testing.T) {
	for name, spoil := range map[string]func(w *world, id string, code string) string{
		"too late":      func(w *world, _, code string) string { w.clock.Move(15*time.Minute + time.Second); return code },
		"another's":     func(*world, string, string) string { return "AAAAAAAA" },
		"nothing":       func(*world, string, string) string { return "" },
		"much too long": func(_ *world, _, code string) string { return code + strings.Repeat(" ", 100) },
		"after another": func(w *world, id, code string) string { require.NoError(w, w.sendCode(id, canary)); return code },
		"tried too often": func(w *world, id, code string) string {
			for range 5 {
				_, err := w.check(id, "AAAAAAAA")
				require.ErrorIs(w, err, rights.ErrCode)
			}
			return code
		},
		"for another request": func(w *world, _, _ string) string {
			other := w.submit(rights.Erase, func(s *rights.Submission) { s.SubjectID = "" })
			require.NoError(w, w.sendCode(other.ID, canary))
			return w.code()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.submit(rights.Erase, func(s *rights.Submission) { s.SubjectID = "" })
			require.NoError(t, w.sendCode(r.ID, canary))
			typed := spoil(w, r.ID, w.code())
			p, err := w.check(r.ID, typed)
			require.ErrorIs(t, err, rights.ErrCode)
			require.Equal(t, rights.Proof{}, p)
			require.Equal(t, rights.StateReceived, w.get(r.ID).State)
			require.Empty(t, w.get(r.ID).SubjectID)
		})
	}
}

// Whoever asks learns nothing: answers, events and the work that is done are the same
// whether an address is known or not.
func TestCode_WhoAsksLearnsNothing(t *testing.T) {
	seen := map[string]string{}
	for _, address := range []string{canary, "nobody@example.org"} {
		w := newWorld(t)
		r := w.submit(rights.Erase, func(s *rights.Submission) { s.SubjectID, s.Contents = "", rights.Contents{} })
		require.NoError(t, w.sendCode(r.ID, address))
		var story strings.Builder
		_, err := w.check(r.ID, "AAAAAAAA")
		story.WriteString(err.Error())
		due, err := w.store.DueItems(w.ctx, rights.ItemMessage, w.clock.Now().UnixMicro()+1, 10)
		require.NoError(t, err)
		require.Len(t, due, 1)
		item, _, err := w.store.Item(w.ctx, due[0])
		require.NoError(t, err)
		require.Equal(t, len(address) > 0, item.Sealed != nil)
		w.clock.Move(time.Second)
		w.sweep()
		for _, k := range w.kinds(r.ID) {
			story.WriteString(" " + string(k))
		}
		sent := len(w.post.of(rights.MessageCode))
		require.Equal(t, address == canary, sent == 1)
		seen[story.String()] = address
	}
	require.Len(t, seen, 1)
}

func TestCode_OnlyToThePersonOfTheRequest(t *testing.T) {
	w := newWorld(t, rights.WithDirectory(book{canary: {ada}, "eve@example.org": {{Tenant: acme, ID: "eve"}}, "both@example.org": {ada, {Tenant: acme, ID: "eve"}}, "theirs@example.org": {{Tenant: globex, ID: ada.ID}}}))
	for address, want := range map[string]int{canary: 1, "eve@example.org": 0, "both@example.org": 1, "theirs@example.org": 0} {
		r := w.submit(rights.Erase)
		before := len(w.post.of(rights.MessageCode))
		require.NoError(t, w.sendCode(r.ID, address))
		w.sweep()
		require.Len(t, w.post.of(rights.MessageCode), before+want, address)
	}
	r := w.submit(rights.Erase, func(s *rights.Submission) { s.SubjectID = "" })
	before := len(w.post.of(rights.MessageCode))
	require.NoError(t, w.sendCode(r.ID, "both@example.org"))
	w.sweep()
	require.Len(t, w.post.of(rights.MessageCode), before, "an address of two people shows neither")
}

func TestCode_NotTooMany(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Erase)
	for range 5 {
		require.NoError(t, w.sendCode(r.ID, canary))
	}
	require.ErrorIs(t, w.sendCode(r.ID, canary), rights.ErrOften)
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := w.desk.CheckCode(ctx, acme, r.ID, troth.Protect("x"))
		require.ErrorIs(t, err, rights.ErrCode, "a try could be rolled back")
		return nil
	}))
}

func TestCode_IsMadeOfLettersThatCanBeTold(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		c := rights.NewCode()
		require.Len(t, c, 8)
		require.NotContains(t, c, "0")
		require.NotContains(t, c, "O")
		require.NotContains(t, c, "1")
		seen[c] = true
	}
	require.Len(t, seen, 1000)
}

func TestDirectory_ErrorsHoldNoAddress(t *testing.T) {
	w := newWorld(t, rights.WithDirectory(broken{}))
	r := w.submit(rights.Erase)
	err := w.sendCode(r.ID, canary)
	require.Error(t, err)
}

type broken struct{ book }

func (broken) Subjects(context.Context, troth.Tenant, troth.Address) ([]troth.Subject, error) {
	return nil, errors.New("down")
}
