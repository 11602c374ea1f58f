package scheduler

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// imageLocality prefers nodes that have the pod's images already: nothing to pull.
type imageLocality struct{}

// Images below the first size are pulled so fast that they give no points; above the second, more gives no more.
const (
	smallImage = 23 << 20
	largeImage = 1000 << 20
)

func (imageLocality) Name() string { return "ImageLocality" }

func (imageLocality) Weight() int64 { return 1 }

// PreScore passes when no container's image is on any node.
func (imageLocality) PreScore(p *podInfo, w *world, _ []candidate) scorer {
	var images []string
	known := false
	for _, containers := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for _, c := range containers {
			image := tagged(c.Image)
			images = append(images, image)
			known = known || w.images[image] > 0
		}
	}
	if !known {
		return nil
	}
	return localImages{images: images, nodes: len(w.sorted), holders: w.images}
}

// localImages is imageLocality in one cycle.
type localImages struct {
	asIs
	images  []string
	nodes   int
	holders map[string]int // nodes that have an image
}

// Score counts an image the more, the more nodes have it: otherwise the first node to pull it would get all its pods.
func (l localImages) Score(_ *podInfo, n *nodeInfo) int64 {
	var sum int64
	for _, image := range l.images {
		sum += int64(float64(n.images[image]) * float64(l.holders[image]) / float64(l.nodes))
	}
	most := int64(largeImage) * int64(len(l.images))
	return bestScore * (min(max(sum, smallImage), most) - smallImage) / (most - smallImage)
}

// imagesOf is the size of each image on a node, by each of its names.
func imagesOf(node *corev1.Node) map[string]int64 {
	images := map[string]int64{}
	for _, image := range node.Status.Images {
		for _, name := range image.Names {
			images[name] = image.SizeBytes
		}
	}
	return images
}

// tagged is the name with the tag that stands for none.
func tagged(image string) string {
	if strings.LastIndex(image, ":") <= strings.LastIndex(image, "/") {
		return image + ":latest"
	}
	return image
}
