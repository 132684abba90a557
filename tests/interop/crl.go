package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"
)

// measureList reads the CRL in file and looks each serial number (hexadecimal,
// one a line in serials) up, walking the entries as notation-core-go does. It
// prints the times and the peak memory of this process.
func measureList(file, serials string) error {
	text, err := os.ReadFile(serials)
	if err != nil {
		return err
	}
	var wanted []*big.Int
	for _, line := range strings.Fields(string(text)) {
		number, ok := new(big.Int).SetString(line, 16)
		if !ok {
			return fmt.Errorf("%q is no serial number", line)
		}
		wanted = append(wanted, number)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	start := time.Now()
	list, err := x509.ParseRevocationList(data)
	if err != nil {
		return err
	}
	parsed := time.Since(start)

	start = time.Now()
	listed := 0
	for _, number := range wanted {
		for i := range list.RevokedCertificateEntries {
			if list.RevokedCertificateEntries[i].SerialNumber.Cmp(number) == 0 {
				listed++
				break
			}
		}
	}
	looked := time.Since(start)
	peak, err := peakKiB()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"parse_ms":   float64(parsed.Microseconds()) / 1e3,
		"look_up_ms": float64(looked.Microseconds()) / 1e3,
		"peak_kib":   peak,
		"listed":     listed,
	})
}

// peakKiB is the most memory that this process has had so far.
func peakKiB() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kib int
			_, err := fmt.Sscan(rest, &kib)
			return kib, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in /proc/self/status")
}
