"""What the papers say, figure by figure, as printed in their tables and texts.

Shi et al. 2022 (SemanticStyleGAN: tables 1 and 2, appendix A.3), Kafri et al. 2021 (StyleFusion: table 1), Collins et
al. 2020 (Editing in Style: table 1). Where a paper does not say a protocol, the id says what is assumed.
"""

from benchmarks.paper.cells import PublishedFigure

#: The released tools' protocol of SemanticStyleGAN; the paper does not say how many samples: the tool's default.
FID, IS = (
    "fid(ssg-legacy,fake=50000,real=28000,psi=1,noise=random)",
    "is(ssg-legacy,fake=50000,real=28000,psi=1,noise=random)",
)
MSE, ID = "mse[-1,1]@256", "curricularface-ir101-mtcnn@112"
#: The paper does not name LPIPS's network; its figures fit VGG's, not AlexNet's.
LPIPS = "lpips-vgg-v0.1@256"
OTHER_FID = "fid(inception not stated,50000)@1024"
BEDROOMS_FID = OTHER_FID.replace("1024", "256")


def _synthesis(row: str, size: int, fid: float, score: float) -> tuple[PublishedFigure, ...]:
    return (
        PublishedFigure(row=row, column="FID", value=fid, protocol=f"{FID}@{size}"),
        PublishedFigure(row=row, column="IS", value=score, protocol=f"{IS}@{size}"),
    )


def _reconstruction(row: str, *values: tuple[str, str, float, float]) -> tuple[PublishedFigure, ...]:
    return tuple(
        PublishedFigure(row=row, column=column, value=value, std=std, protocol=protocol, digits=3)
        for column, protocol, value, std in values
    )


def _compositional(row: str, answer: str) -> PublishedFigure:
    return PublishedFigure(row=row, column="compositional", value=answer, protocol="by construction")


#: Part -> unit -> its published figures.
PUBLISHED: dict[str, dict[str, tuple[PublishedFigure, ...]]] = {
    "ssg.t1": {
        "StyleGAN2": (
            *_synthesis("StyleGAN2", 256, 4.45, 3.40),
            *_synthesis("StyleGAN2", 512, 6.47, 3.55),
            _compositional("StyleGAN2", "no"),
        ),
        "SemanticGAN": (*_synthesis("SemanticGAN", 256, 18.54, 2.77), _compositional("SemanticGAN", "no")),
        "SemanticGAN + proposed training": (
            *_synthesis("SemanticGAN + proposed training", 256, 7.50, 3.51),
            _compositional("SemanticGAN + proposed training", "no"),
        ),
        "SemanticStyleGAN": (
            *_synthesis("SemanticStyleGAN", 256, 6.42, 3.21),
            *_synthesis("SemanticStyleGAN", 512, 7.22, 3.47),
            _compositional("SemanticStyleGAN", "yes"),
        ),
    },
    "ssg.t2": {
        "StyleGAN2 (FFHQ)": _reconstruction(
            "StyleGAN2 (FFHQ)", ("MSE", MSE, 0.031, 0.015), ("ID", ID, 0.654, 0.097), ("LPIPS", LPIPS, 0.309, 0.046)
        ),
        "StyleGAN2": _reconstruction(
            "StyleGAN2", ("MSE", MSE, 0.029, 0.016), ("ID", ID, 0.575, 0.119), ("LPIPS", LPIPS, 0.330, 0.052)
        ),
        "SemanticStyleGAN": _reconstruction(
            "SemanticStyleGAN", ("MSE", MSE, 0.031, 0.017), ("ID", ID, 0.602, 0.122), ("LPIPS", LPIPS, 0.335, 0.051)
        ),
    },
    "ssg.a3": {
        "SemanticStyleGAN": (
            PublishedFigure(row="looped local generators", column="seconds", value=0.137, digits=3,
                      protocol="s/picture@512, Tesla V100, local generators one after another"),
        ),
    },
    "sf.t1": {
        row: (PublishedFigure(row=row, column="FID", value=value, protocol=OTHER_FID),)
        for row, value in (
            ("StyleGAN2", 3.06), ("hair", 13.17), ("mouth", 3.36), ("background", 9.97), ("eyes", 4.32)
        )
    },
    "eis.t1": {
        **{
            unit: (PublishedFigure(row=row, column="FID, FFHQ", value=value, protocol=OTHER_FID, digits=1),)
            for unit, row, value in (
                ("StyleGAN", "StyleGAN", 4.4), ("edited", "edited", 5.4),
                ("feature blending", "feature blending at 64 px", 5.4),
            )
        },
        "bedrooms": tuple(
            PublishedFigure(row=row, column="FID, bedrooms", value=value, protocol=BEDROOMS_FID, digits=1)
            for row, value in (("StyleGAN", 2.8), ("edited", 4.5))
        ),
    },
}  # fmt: skip
