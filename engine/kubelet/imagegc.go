package kubelet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"drydock/engine/decision"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Image garbage collection, with upstream's defaults: from imageHigh percent of the disk in use on, unused images go until it is
// imageLow. One that has just come may be on its way to a container.
//
// Kubernetes: the percentages are all there is. Here no more than some bytes must be free, as for eviction (pressure.go): the disk is a
// person's, and what fills it is hardly ever an image of ours. And images that no registry gives back are never deleted: the bundled
// ones, and those from an archive; the runtime says that they are pinned.
const (
	imageHigh, imageLow         = 85, 80
	imageHighMost, imageLowMost = 2 << 30, 3 << 30
	imageMinimumAge             = 2 * time.Minute
	imagePeriod                 = 5 * time.Minute
)

// imageRecord is what is known of an image: the runtime does not know when one was used.
type imageRecord struct {
	first time.Time // when it was seen first
	used  time.Time // when a container was last seen that has it; zero for never
	size  int64
}

// imageKeeper deletes images that nobody uses. It belongs to the loop of followUsage.
type imageKeeper struct {
	k       *Kubelet
	began   time.Time
	known   map[string]*imageRecord // by ID
	next    time.Time               // when to look again
	failing bool
}

func newImageKeeper(k *Kubelet) *imageKeeper {
	return &imageKeeper{k: k, known: map[string]*imageRecord{}}
}

// look collects when it is time to.
func (m *imageKeeper) look(ctx context.Context) {
	now := time.Now()
	if m.began.IsZero() {
		m.began = now
	}
	if now.Before(m.next) {
		return
	}
	m.next = now.Add(imagePeriod)
	err := m.collect(ctx, now)
	if err != nil && m.failing {
		m.k.events.nodeEvent(corev1.EventTypeWarning, "ImageGCFailed", err.Error()) // the first failure may be a runtime that is starting
	}
	m.failing = err != nil
}

func (m *imageKeeper) collect(ctx context.Context, now time.Time) error {
	unused, err := m.unused(ctx, now)
	if err != nil {
		return err
	}
	if unused, err = m.freeOld(ctx, unused, now); err != nil {
		return err
	}
	fs := m.k.fileSystem()
	if fs == nil || *fs.CapacityBytes == 0 {
		message := "invalid capacity 0 on image filesystem"
		m.k.events.nodeEvent(corev1.EventTypeWarning, "InvalidDiskCapacity", message)
		return errors.New(message)
	}
	wanted := bytesToFree(fs)
	if wanted <= 0 {
		return nil
	}
	freed, err := m.free(ctx, unused, wanted, now)
	if err != nil || freed >= wanted {
		return err
	}
	message := fmt.Sprintf("Insufficient free disk space on the node's image filesystem (%d%% of %s used). "+
		"Failed to free sufficient space by deleting unused images (freed %d bytes). "+
		"Investigate disk usage, as it could be used by active images, logs, volumes, or other data.", usedPercent(fs), sizeText(*fs.CapacityBytes), freed)
	m.k.events.nodeEvent(corev1.EventTypeWarning, "FreeDiskSpaceFailed", message)
	return errors.New(message)
}

// bytesToFree is how much is missing to the low threshold once the high one is reached; 0 for nothing.
func bytesToFree(fs *statsv1alpha1.FsStats) int64 {
	capacity, available := int64(*fs.CapacityBytes), int64(min(*fs.AvailableBytes, *fs.CapacityBytes))
	if usedPercent(fs) < imageHigh || available >= imageHighMost {
		return 0
	}
	return min(capacity*(100-imageLow)/100, imageLowMost) - available
}

func usedPercent(fs *statsv1alpha1.FsStats) int {
	return 100 - int(min(*fs.AvailableBytes, *fs.CapacityBytes)*100 / *fs.CapacityBytes)
}

// unusedImage is an image that no container has.
type unusedImage struct {
	id string
	*imageRecord
}

// unused brings the records up to date and returns the images that may go, the one that has not been used for longest first.
func (m *imageKeeper) unused(ctx context.Context, now time.Time) ([]unusedImage, error) {
	images, err := m.k.cfg.Images.ListImages(ctx, &runtimeapi.ListImagesRequest{})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	inUse, err := m.inUse(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]*imageRecord{}
	var unused []unusedImage
	for _, image := range images.Images {
		record := m.known[image.Id]
		if record == nil {
			record = &imageRecord{first: now}
		}
		record.size = int64(image.Size)
		known[image.Id] = record
		switch {
		case slices.ContainsFunc(slices.Concat([]string{image.Id}, image.RepoTags, image.RepoDigests), func(name string) bool { return inUse[name] }):
			record.used = now
		case !image.Pinned:
			unused = append(unused, unusedImage{image.Id, record})
		}
	}
	m.known = known
	slices.SortFunc(unused, func(a, b unusedImage) int {
		return cmp.Or(a.used.Compare(b.used), a.first.Compare(b.first))
	})
	return unused, nil
}

// inUse names the images of all containers, also of those that have ended, as they may begin again, and of the pods' volumes.
func (m *imageKeeper) inUse(ctx context.Context) (map[string]bool, error) {
	containers, err := m.k.cfg.Runtime.ListContainers(ctx, &runtimeapi.ListContainersRequest{})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	inUse := map[string]bool{}
	for _, c := range containers.Containers {
		inUse[c.ImageId], inUse[c.ImageRef], inUse[c.GetImage().GetImage()] = true, true, true
	}
	for _, w := range m.k.otherPods("") {
		pod, _ := w.current()
		for i := range pod.Spec.Volumes {
			if v := &pod.Spec.Volumes[i]; v.Image != nil {
				if name, err := reference.ParseDockerRef(v.Image.Reference); err == nil {
					inUse[name.String()] = true
				}
			}
		}
	}
	return inUse, nil
}

// freeOld deletes what nobody has used for longer than imageMaximumGCAge, if there is one, and returns the rest. A kubelet that has just
// begun has not seen who uses what.
func (m *imageKeeper) freeOld(ctx context.Context, unused []unusedImage, now time.Time) ([]unusedImage, error) {
	most := m.k.cfg.ImageMaximumGCAge
	if most <= 0 || now.Sub(m.began) <= most {
		return unused, nil
	}
	var rest []unusedImage
	var failures []error
	for _, image := range unused {
		if now.Sub(image.used) <= most {
			rest = append(rest, image)
		} else if err := m.remove(ctx, image, "it has not been used for "+most.String()); err != nil {
			rest, failures = append(rest, image), append(failures, err)
		}
	}
	if len(failures) > 0 {
		return rest, fmt.Errorf("wanted to free images older than %v, encountered errors in image deletion: %w", most, errors.Join(failures...))
	}
	return rest, nil
}

// free deletes images until it has freed wanted bytes, and returns how many it has.
func (m *imageKeeper) free(ctx context.Context, unused []unusedImage, wanted int64, now time.Time) (int64, error) {
	var freed int64
	var failures []error
	for _, image := range unused {
		if freed >= wanted {
			break
		}
		if now.Sub(image.first) < imageMinimumAge {
			continue
		}
		if err := m.remove(ctx, image, fmt.Sprintf("%d bytes are wanted", wanted)); err != nil {
			failures = append(failures, err)
			continue
		}
		freed += image.size
	}
	if len(failures) > 0 {
		return freed, fmt.Errorf("wanted to free %d bytes, but freed %d bytes space with errors in image deletion: %w", wanted, freed, errors.Join(failures...))
	}
	return freed, nil
}

// freeAll deletes every image that may go, which comes before the end of a pod on a node whose disk is full. It reports whether there was one.
func (m *imageKeeper) freeAll(ctx context.Context) bool {
	now := time.Now()
	unused, err := m.unused(ctx, now)
	if err != nil {
		return false // then a pod has to go
	}
	freed, _ := m.free(ctx, unused, 1<<62, now) // what could not be deleted has not made room
	return freed > 0
}

func (m *imageKeeper) remove(ctx context.Context, image unusedImage, why string) error {
	_, err := m.k.cfg.Images.RemoveImage(ctx, &runtimeapi.RemoveImageRequest{Image: &runtimeapi.ImageSpec{Image: image.id}})
	if err != nil {
		return fmt.Errorf("remove image %s: %w", image.id, err)
	}
	delete(m.known, image.id)
	m.k.cfg.Recorder.Record(decision.Record{
		Actor: "kubelet/" + m.k.cfg.NodeName, Object: decision.Object{Resource: "nodes", Name: m.k.cfg.NodeName},
		Action: "RemoveImage", Before: image.id, Reason: "ImageGarbageCollected", Message: why,
	})
	return nil
}

func sizeText(bytes uint64) string {
	size, unit := float64(bytes), 0
	for size >= 1024 && unit < 4 {
		size, unit = size/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", size, []string{"", "KiB", "MiB", "GiB", "TiB"}[unit])
}
