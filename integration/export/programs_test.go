package export_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/export"
)

var update = flag.Bool("update", false, "write the golden files again")

// unpacked opens an archive with age and unzip, as a person does, and returns the
// folder.
func unpacked(t *testing.T, zip string) string {
	t.Helper()
	require.Contains(t, run(t, "unzip", "-t", zip), "No errors detected")
	dir := t.TempDir()
	run(t, "unzip", "-q", zip, "-d", dir)
	return dir
}

func verifies(t *testing.T, zip, key string) *export.Manifest {
	t.Helper()
	f, err := os.Open(zip)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	m, err := export.Verify(f, key)
	require.NoError(t, err)
	return m
}

// A person gave a key that age-keygen made, and opens the archive with the programs
// of Debian.
func TestPrograms_OpenWhatWasMadeForAKey(t *testing.T) {
	identity := filepath.Join(t.TempDir(), "key.txt")
	run(t, "age-keygen", "-o", identity)
	c, key := signing(t)
	var err error
	c.Lock, err = export.LockTo(strings.TrimSpace(run(t, "age-keygen", "-y", identity)))
	require.NoError(t, err)
	archive := write(t, c)
	zip := filepath.Join(t.TempDir(), "export.zip")
	run(t, "age", "--decrypt", "--identity", identity, "--output", zip, archive)

	m := verifies(t, zip, key)
	dir := unpacked(t, zip)
	for _, f := range m.Files {
		info, err := os.Stat(filepath.Join(dir, f.Path))
		require.NoError(t, err, f.Path)
		require.Equal(t, f.Size, uint64(info.Size()), f.Path)
		require.Equal(t, os.FileMode(0o600), info.Mode(), f.Path)
	}
	for source, text := range map[string]string{
		"data/shop/order.csv": "'", "data/shop/order.jsonl": `\u202egnp.exe\u0000`, "information.html": "a parcel service",
		"index.html": "&lt;script&gt;",
	} {
		b, err := os.ReadFile(filepath.Join(dir, source))
		require.NoError(t, err)
		require.Contains(t, string(b), text, source)
	}
	golden(t, "testdata/listing.txt", run(t, "unzip", "-Z", "-T", zip))
}

// golden compares a listing with a file.
func golden(t *testing.T, path, listing string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(listing) {
		fields := strings.Fields(line)
		if len(fields) != 8 {
			continue
		}
		// Mode, version, system, size, kind, method, date, name. The pages change with their
		// style, so sizes are left out.
		lines = append(lines, strings.Join(append(fields[:3:3], fields[4:]...), " "))
	}
	text := strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// Passphrases are typed at a terminal. One of a person's own takes seconds of work by
// design: it is tried where TROTH_LONG is set.
func TestPrograms_OpenWhatWasMadeForAPassphrase(t *testing.T) {
	type closed struct {
		lock   export.Lock
		phrase troth.Sensitive[string]
	}
	fresh, made, err := export.FreshPassphrase()
	require.NoError(t, err)
	tries := map[string]closed{"that was made": {fresh, made}}
	if os.Getenv("TROTH_LONG") != "" {
		own := troth.Protect("correct horse battery staple")
		chosen, err := export.LockWithPassphrase(own)
		require.NoError(t, err)
		tries["of the person"] = closed{chosen, own}
	}
	for name, try := range tries {
		t.Run(name, func(t *testing.T) {
			program(t, "age")
			c, key := signing(t)
			c.Lock = try.lock
			archive := write(t, c)
			zip := filepath.Join(t.TempDir(), "export.zip")
			phrase, err := try.phrase.Reveal("test")
			require.NoError(t, err)
			typed(t, phrase, program(t, "age"), "--decrypt", "--output", zip, archive)
			verifies(t, zip, key)
			unpacked(t, zip)
		})
	}
}

func TestSchema_AcceptsManifests(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(export.Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("manifest.json", doc))
	schema, err := compiler.Compile("manifest.json")
	require.NoError(t, err)

	text := manifestText(t)
	valid := func(text []byte) error {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		require.NoError(t, err)
		return schema.Validate(doc)
	}
	require.NoError(t, valid(text))
	var whole map[string]any
	require.NoError(t, json.Unmarshal(text, &whole))
	for name := range whole {
		less := map[string]any{}
		require.NoError(t, json.Unmarshal(text, &less))
		delete(less, name)
		without, err := json.Marshal(less)
		require.NoError(t, err)
		require.Error(t, valid(without), "without %s", name)
	}
}

func manifestText(t *testing.T) []byte {
	t.Helper()
	c, key := signing(t)
	lock, secret, err := export.FreshKey()
	require.NoError(t, err)
	c.Lock = lock
	f, err := os.Open(write(t, c))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	unlock, err := export.UnlockWithKey(secret)
	require.NoError(t, err)
	r, err := unlock.Decrypt(f)
	require.NoError(t, err)
	m, err := export.Verify(r, key)
	require.NoError(t, err)
	text, err := json.Marshal(m)
	require.NoError(t, err)
	return text
}
