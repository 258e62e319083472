"""Models as files that servers and phones run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "litert": ["export_litert"],
        "saved_model": ["export_saved_model"],
        "static_form": ["StaticForm", "image_form", "read_image"],
    },
)
