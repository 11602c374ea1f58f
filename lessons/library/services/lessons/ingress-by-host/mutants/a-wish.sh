#!/bin/sh
# about: an Ingress is thought to work by itself, as a Service does
# fails: door: An Ingress is only a wish
# fails: who: The cluster itself has nobody
# fails: hosts: One address, many names
# fails: path: Exact is this one path and nothing below it
# answer: who proxy
set -e
kubectl apply -f ingress.yaml
kubectl create ingress more --class=drydock --rule='toys.example/*=toys:80' --rule='books.example/reviews*=reviews:80'
