package deadline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A set that changes gets a new version and a new hash here: hosts pin these.
var shippedHashes = map[string]struct {
	version int
	hash    string
}{
	"bulk-senders": {1, "d8b9d323dcd2a9cb21a571234386f271ad0903d013d1615debfcd087e235c417"},
	"can-spam":     {1, "f7433d3c79451d826c367efd3fcfc4f49912222b61cb4b4c16cdf247eaba7d1e"},
	"casl":         {1, "9136267311961fc68c181772f0bdda8330b647b2db75843087d5fae0acef8a22"},
	"ccpa":         {1, "10ad783df5c336636cddeaae7f92b30e91c6a2b205a0c90fb56e71181b331a29"},
	"dpdp":         {1, "320f36fc68a51df5a989825fa1e8e6e715bbe786b3125072af2c8b704d8d148f"},
	"fadp":         {1, "87d0bf184ff85a5e6ef9929a4db09181e74f9199b6e30ba74096ec7b3fb5f0f4"},
	"gdpr":         {1, "dadf4132a0c47c00a926737b0c0dd23528bbccc7d2350b56a220f5608c3ea32f"},
	"lgpd":         {1, "9095a9a2cb0a5e44c7ea493188e1297be68154d646dd20d34eb109cbc06880f4"},
	"pipeda":       {1, "25556bc6b15f4cde219e44f84ff831dbadea2b989ec1a8d3195dd4dbb17889b5"},
	"tcpa":         {1, "f8451c0d036e28ca4ef619108ded03791353e9c05f52839ab32b13c2a2e42fb7"},
	"uk-gdpr":      {1, "b021b3e9e9a36ca90a305f934ce3c1673321b86b2a12c51bc50709873e1ebfab"},
	"us-breach":    {1, "9ace18857ebe9c1cdff4330388c332c2cd79ea19514400402b9fed8a263e62b7"},
	"us-states":    {1, "efebb122e3f30f2c59eb2e2b7e3aa83e2bdcb3e4f97ca67d7706b8d1df44f28d"},
}

func TestShipped_HashesArePinned(t *testing.T) {
	require.Len(t, Shipped(), len(shippedHashes))
	for _, s := range Shipped() {
		want, ok := shippedHashes[s.Name()]
		require.True(t, ok, s.Name())
		assert.Equal(t, want.version, s.Version(), s.Name())
		assert.NoError(t, s.Pinned(want.hash))
	}
}

func TestShipped_FilesAreNamedLikeTheirSets(t *testing.T) {
	for _, s := range Shipped() {
		_, err := data.Open("data/" + s.Name() + ".json")
		assert.NoError(t, err)
	}
}

func TestShipped_CalendarsAreShipped(t *testing.T) {
	for _, r := range allRules() {
		if r.Calendar != "" {
			_, err := CalendarByName(r.Calendar)
			assert.NoError(t, err, r.ID)
		}
	}
}

// Ids that are promised to hosts and to the users of the example.
func TestShippedRule_HasThePromisedIDs(t *testing.T) {
	for _, id := range []string{
		"gdpr.access.respond", "uk.access.respond", "ccpa.delete.acknowledge", "ccpa.delete.respond",
		"ccpa.optout.honour", "lgpd.access.respond", "canspam.optout.honour", "casl.optout.honour",
		"gdpr.breach.authority", "pipeda.access.respond", "fadp.access.respond", "dpdp.grievance.respond",
		"us-va.request.respond", "tcpa.optout.honour", "gmail.optout.honour", "yahoo.optout.honour",
	} {
		r, err := ShippedRule(id)
		require.NoError(t, err)
		assert.Equal(t, id, r.ID)
		regime, _, _ := strings.Cut(id, ".")
		assert.Equal(t, regime, r.Regime())
	}
	_, err := ShippedRule("gdpr.access.appeal")
	assert.Equal(t, &UnknownRuleError{Rule: "gdpr.access.appeal"}, err)
}

func TestShippedRule_HandsOutCopies(t *testing.T) {
	r, err := ShippedRule("gdpr.access.respond")
	require.NoError(t, err)
	r.Start[0].Event, r.Doubts[0].Why = Aware, "changed"
	again, err := ShippedRule("gdpr.access.respond")
	require.NoError(t, err)
	assert.Equal(t, Received, again.Start[0].Event)
	assert.NotEqual(t, "changed", again.Doubts[0].Why)
}

// A figure that was not verified at its source is marked, and its explanation
// says so; one that was is not.
func TestShipped_ExplanationsTellTheConfidence(t *testing.T) {
	counts := map[Confidence]int{}
	for _, s := range Shipped() {
		for _, r := range s.Rules() {
			d := dueWithStarts(t, r, weekdays{})
			text := d.Explain()
			assert.Contains(t, text, r.ID)
			assert.Contains(t, text, r.Citation)
			assert.Contains(t, text, "Confidence: "+string(r.Confidence))
			assert.Equal(t, r.Confidence != Verified, strings.Contains(text, "not verified at its source"), r.ID)
			counts[r.Confidence]++
		}
	}
	for _, c := range confidences {
		assert.NotZero(t, counts[c], c)
	}
}

// Whoever must tell of an extension or a refusal has no longer than the period
// that the extension would extend.
func TestShipped_NoticesAreDueWithTheUnextendedPeriod(t *testing.T) {
	n := 0
	for _, s := range Shipped() {
		for _, r := range s.Rules() {
			if r.Kind != ExtensionNotice {
				continue
			}
			respond, ok := s.Rule(strings.TrimSuffix(r.ID, "extend") + "respond")
			require.True(t, ok, r.ID)
			assert.Equal(t, respond.Period, r.Period, r.ID)
			assert.NotEqual(t, Extension{}, respond.Extension, r.ID)
			assert.Equal(t, respond.Pauses, r.Pauses, r.ID)
			n++
		}
	}
	assert.Greater(t, n, 30)
}

// dueWithStarts applies a rule to its first start event on its first day.
func dueWithStarts(t testing.TB, r Rule, cal Calendar) Deadline {
	t.Helper()
	d, err := Due(r, []Event{On(r.Start[0].Event, r.From)}, cal)
	require.NoError(t, err, r.ID)
	return d
}
